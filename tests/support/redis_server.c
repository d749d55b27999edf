// SPDX-License-Identifier: Apache-2.0
#include "tests/support/redis_server.h"

#include "common/base/alloc.h"
#include "common/base/clock.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 64, START_MOST_US = 30 * 1000 * 1000, LOOK_AGAIN_MS = 2 };

struct redis_server {
    pid_t pid; /* 0 while none runs */
    const char *option;
    const char *value;
    char folder[PATH_BYTES];
    char url[PATH_BYTES + 32];
};

static void check(bool is_true, const char *what)
{
    if (!is_true) {
        perror(what);
        abort();
    }
}

/* True where the server takes a connection. */
static bool is_answering(const struct redis_server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", redis_server_socket(server));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0, "socket");
    bool is_up = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return is_up;
}

static void run_server(const struct redis_server *server)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", redis_server_socket(server),
           "--save", "", "--appendonly", "no", "--dir", server->folder, server->option, server->value, NULL);
    _exit(127);
}

void redis_server_again(struct redis_server *server)
{
    unlink(redis_server_socket(server));
    server->pid = fork();
    check(server->pid >= 0, "fork");
    if (server->pid == 0) {
        run_server(server);
    }
    uint64_t start_us = clock_monotonic_us();
    while (!is_answering(server)) {
        check(waitpid(server->pid, NULL, WNOHANG) == 0, "redis-server ended at once");
        check(clock_monotonic_us() - start_us < START_MOST_US, "redis-server does not start");
        poll(NULL, 0, LOOK_AGAIN_MS);
    }
}

struct redis_server *redis_server_start(const char *option, const char *value)
{
    struct redis_server *server = alloc_zeroed(1, sizeof *server);
    server->option = option;
    server->value = value;
    snprintf(server->folder, sizeof server->folder, "/tmp/pixmill-redis-XXXXXX");
    check(mkdtemp(server->folder) != NULL, "mkdtemp");
    snprintf(server->url, sizeof server->url, "unix:%s/redis.sock", server->folder);
    redis_server_again(server);
    return server;
}

const char *redis_server_url(const struct redis_server *server)
{
    return server->url;
}

const char *redis_server_socket(const struct redis_server *server)
{
    return server->url + strlen("unix:");
}

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0 && bind(fd, (const struct sockaddr *)&address, bytes) == 0, "bind");
    check(getsockname(fd, (struct sockaddr *)&address, &bytes) == 0, "getsockname");
    close(fd);
    return ntohs(address.sin_port);
}

int redis_server_listen(struct redis_server *server, const char *password)
{
    enum { TRIES = 20 };
    redisContext *redis = redisConnectUnix(redis_server_socket(server));
    check(redis != NULL && redis->err == 0, "redisConnectUnix");
    if (password != NULL) {
        freeReplyObject(redisCommand(redis, "AUTH %s", password));
    }
    int port = 0;
    for (int i = 0; i < TRIES && port == 0; i++) {
        int candidate = free_port();
        redisReply *reply = redisCommand(redis, "CONFIG SET bind 127.0.0.1 port %d", candidate);
        port = reply != NULL && reply->type == REDIS_REPLY_STATUS ? candidate : 0;
        freeReplyObject(reply);
    }
    redisFree(redis);
    check(port != 0, "no port for Redis");
    return port;
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }
}

void redis_server_stall(struct redis_server *server)
{
    int status = 0;
    kill(server->pid, SIGSTOP);
    check(waitpid(server->pid, &status, WUNTRACED) == server->pid && WIFSTOPPED(status), "SIGSTOP");
}

void redis_server_wake(struct redis_server *server)
{
    kill(server->pid, SIGCONT);
}

/* With what it saved there: dumps, and what a cluster's node knows of the others. */
static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    check(folder != NULL, "opendir");
    for (const struct dirent *entry = NULL; (entry = readdir(folder)) != NULL;) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0); /* not "." and ".." */
    }
    closedir(folder);
    check(rmdir(path) == 0, "rmdir");
}

void redis_server_stop(struct redis_server *server)
{
    redis_server_kill(server);
    remove_folder(server->folder);
    free(server);
}
