// SPDX-License-Identifier: Apache-2.0
#include "api/http/inherited.h"

#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>

static int socket_number(int fd, int option)
{
    int value = -1;
    socklen_t bytes = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &bytes) == 0 ? value : -1;
}

/* A supervisor may also hand over what is no TCP socket, or (Accept=yes) a client's connection. */
static bool is_listening_tcp(int fd)
{
    int family = socket_number(fd, SO_DOMAIN);
    return (family == AF_INET || family == AF_INET6) && socket_number(fd, SO_TYPE) == SOCK_STREAM &&
           socket_number(fd, SO_ACCEPTCONN) == 1;
}

int inherited_socket(char *(*lookup)(const char *name), pid_t pid, int *fd, struct err *err)
{
    const char *whose = lookup("LISTEN_PID");
    const char *how_many = lookup("LISTEN_FDS");
    int64_t number = 0;
    int64_t count = 0;
    if (whose == NULL || how_many == NULL) {
        *fd = -1;
        return 0;
    }
    if (text_int64(whose, 1, INT64_MAX, &number) != 0 || text_int64(how_many, 0, INT64_MAX, &count) != 0) {
        return err_set(err, ERR_CONFIG, "LISTEN_PID or LISTEN_FDS is no number");
    }
    if (number != pid || count == 0) {
        *fd = -1; /* meant for a parent of ours */
        return 0;
    }
    if (count > 1) {
        return err_set(err, ERR_CONFIG, "%lld sockets were handed over, and one can be used",
                       (long long)count);
    }
    if (fcntl(INHERITED_FIRST_FD, F_SETFD, FD_CLOEXEC) != 0) {
        return err_set_errno(err, ERR_CONFIG, errno, "the socket that LISTEN_FDS tells of");
    }
    if (!is_listening_tcp(INHERITED_FIRST_FD)) {
        return err_set(err, ERR_CONFIG, "what was handed over is no listening TCP socket");
    }
    *fd = INHERITED_FIRST_FD;
    return 0;
}
