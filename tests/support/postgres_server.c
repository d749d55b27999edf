// SPDX-License-Identifier: Apache-2.0
#include "tests/support/postgres_server.h"

#include "common/base/alloc.h"
#include "common/base/clock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATH_BYTES = 64,
    MOST_US = 60 * 1000 * 1000,
    LOOK_AGAIN_MS = 5,
    MAX_ARGUMENTS = 24,
    SOCKET_PORT = 5432
};

struct postgres_server {
    pid_t pid; /* 0 while none runs */
    int port;  /* of TCP, or 0 */
    char bin[256];
    char folder[PATH_BYTES];
    char data[PATH_BYTES + 8];
    char url[PATH_BYTES + 96];
};

static void check(bool is_true, const char *what)
{
    if (!is_true) {
        perror(what);
        abort();
    }
}

/* The newest of the distribution; what else lies in PATH is not ours to judge. */
static void find_bin(struct postgres_server *server)
{
    glob_t found;
    double best = 0;
    check(glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0, "no PostgreSQL in /usr/lib/postgresql");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        double version = strtod(found.gl_pathv[i] + strlen("/usr/lib/postgresql/"), NULL);
        if (version > best) {
            best = version;
            snprintf(server->bin, sizeof server->bin, "%s", found.gl_pathv[i]);
        }
    }
    globfree(&found);
}

/* PostgreSQL refuses to run as root. */
static void drop_root(void)
{
    if (geteuid() == 0) {
        const struct passwd *user = getpwnam("postgres");
        check(user != NULL, "no user postgres");
        check(setgroups(0, NULL) == 0 && setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0, "setuid");
    }
}

/* Starts a program of PostgreSQL; arguments end with NULL. Its output goes to FOLDER/log. */
static pid_t spawn(const struct postgres_server *server, const char *program, const char *const *arguments)
{
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (pid > 0) {
        return pid;
    }
    drop_root();
    /* after the change of user, which clears it: immediate shutdown when the test is gone */
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    char path[512];
    snprintf(path, sizeof path, "%s/log", server->folder);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    snprintf(path, sizeof path, "%s/%s", server->bin, program);
    char *argv[MAX_ARGUMENTS] = {path};
    for (size_t i = 0; arguments[i] != NULL; i++) {
        check(i + 2 < MAX_ARGUMENTS, "arguments");
        argv[i + 1] = alloc_string(arguments[i]);
    }
    char *environment[] = {alloc_string("PATH=/usr/bin:/bin"), alloc_string("LC_ALL=C.UTF-8"), NULL};
    check(chdir("/") == 0, "chdir");
    execve(path, argv, environment);
    _exit(127);
}

/* True where the server's own file says that it takes clients; the file of a dead one has another pid. */
static bool is_ready(const struct postgres_server *server)
{
    char path[PATH_BYTES + 32];
    char text[1024];
    snprintf(path, sizeof path, "%s/postmaster.pid", server->data);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    size_t bytes = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[bytes] = '\0';
    return strtol(text, NULL, 10) == server->pid && strstr(text, "\nready") != NULL;
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

void postgres_server_again(struct postgres_server *server, bool is_tcp)
{
    server->port = is_tcp ? free_port() : 0;
    char port[32];
    char listen[64];
    snprintf(port, sizeof port, "port=%d", is_tcp ? server->port : SOCKET_PORT);
    snprintf(listen, sizeof listen, "listen_addresses=%s", is_tcp ? "127.0.0.1" : "");
    snprintf(server->url, sizeof server->url, "host=%s %s user=pixmill dbname=postgres", server->folder,
             port);
    const char *const arguments[] = {"-D", server->data, "-k", server->folder,       "-c", listen, "-c", port,
                                     "-c", "fsync=off",  "-c", "max_connections=60", NULL};
    server->pid = spawn(server, "postgres", arguments);
    uint64_t start_us = clock_monotonic_us();
    while (!is_ready(server)) {
        check(waitpid(server->pid, NULL, WNOHANG) == 0, "postgres ended at once");
        check(clock_monotonic_us() - start_us < MOST_US, "postgres does not start");
        poll(NULL, 0, LOOK_AGAIN_MS);
    }
}

struct postgres_server *postgres_server_start(void)
{
    struct postgres_server *server = alloc_zeroed(1, sizeof *server);
    find_bin(server);
    snprintf(server->folder, sizeof server->folder, "/tmp/pixmill-postgres-XXXXXX");
    check(mkdtemp(server->folder) != NULL, "mkdtemp");
    if (geteuid() == 0) {
        const struct passwd *user = getpwnam("postgres");
        check(user != NULL && chown(server->folder, user->pw_uid, user->pw_gid) == 0, "chown");
    }
    snprintf(server->data, sizeof server->data, "%s/data", server->folder);
    const char *const arguments[] = {"-D", server->data, "-U",        "pixmill",          "--auth=trust",
                                     "-E", "UTF8",       "--no-sync", "--locale=C.UTF-8", NULL};
    int status = -1;
    pid_t initdb = spawn(server, "initdb", arguments);
    check(waitpid(initdb, &status, 0) == initdb && status == 0, "initdb failed");
    postgres_server_again(server, false);
    return server;
}

const char *postgres_server_url(const struct postgres_server *server)
{
    return server->url;
}

int postgres_server_port(const struct postgres_server *server)
{
    return server->port;
}

void postgres_server_halt(struct postgres_server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGINT);
        check(waitpid(server->pid, NULL, 0) == server->pid, "waitpid");
        server->pid = 0;
    }
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void postgres_server_stop(struct postgres_server *server)
{
    postgres_server_halt(server);
    nftw(server->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(server);
}
