// SPDX-License-Identifier: Apache-2.0
#include "worker/health_probe.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { HOST_BYTES = 256, ANSWER_BYTES = 1024 };

/* Splits "host:port", with or without brackets around the host. Returns the port, or NULL. */
static const char *split(const char *listen, char host[HOST_BYTES])
{
    const char *colon = strrchr(listen, ':');
    size_t bytes = colon != NULL ? (size_t)(colon - listen) : 0;
    if (bytes > 1 && listen[0] == '[' && listen[bytes - 1] == ']') {
        listen++;
        bytes -= 2;
    }
    if (colon == NULL || bytes >= HOST_BYTES) {
        return NULL;
    }
    memcpy(host, listen, bytes);
    host[bytes] = '\0';
    return colon + 1;
}

static int connect_to(const char *listen, uint64_t timeout_ms, struct err *err)
{
    char host[HOST_BYTES];
    const char *port = split(listen, host);
    if (port == NULL) {
        return err_set(err, ERR_INTERNAL, "PIXMILL_HEALTH_LISTEN is not set to an address and a port");
    }
    bool is_any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(is_any ? NULL : host, port, &hints, &found);
    if (status != 0) {
        return err_set(err, ERR_INTERNAL, "%s: %s", host, gai_strerror(status));
    }
    int fd = -1;
    struct timeval limit = {.tv_sec = (time_t)(timeout_ms / 1000),
                            .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000)};
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
                        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
                        connect(fd, at->ai_addr, at->ai_addrlen) != 0)) {
            err_set_errno(err, ERR_INTERNAL, errno, "can not connect to %s", listen);
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

int health_probe(const char *listen, uint64_t timeout_ms, struct err *err)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static const char well[] = "HTTP/1.1 200 ";
    char answer[ANSWER_BYTES];
    size_t used = 0;
    ssize_t got = 0;
    int fd = connect_to(listen, timeout_ms, err);
    if (fd < 0) {
        return -1;
    }
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)sizeof request - 1) {
        do {
            got = recv(fd, answer + used, sizeof answer - 1 - used, 0);
            used += got > 0 ? (size_t)got : 0;
        } while (got > 0 && used < sizeof answer - 1);
    }
    close(fd);
    answer[used] = '\0';
    if (used < sizeof well - 1 || memcmp(answer, well, sizeof well - 1) != 0) {
        return err_set(err, ERR_INTERNAL, "not well: %.200s", used > 0 ? answer : "no answer");
    }
    return 0;
}
