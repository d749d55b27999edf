// SPDX-License-Identifier: Apache-2.0
/*
 * A listening socket that a supervisor hands over, by the protocol of systemd's socket activation (sd_listen_fds(3)): LISTEN_FDS
 * descriptors from number 3 on, meant for the process LISTEN_PID. The supervisor keeps the socket open, so that clients can wait
 * in its queue while one process goes and the next one comes.
 */
#ifndef PIXMILL_HTTP_INHERITED_H
#define PIXMILL_HTTP_INHERITED_H

#include "common/base/err.h"

#include <sys/types.h>

enum { INHERITED_FIRST_FD = 3 };

/*
 * Finds the socket for the process `pid`; lookup gives the value of an environment variable or NULL, as getenv does. *fd is -1
 * where none was handed over. Returns 0, or -1 with ERR_CONFIG where there is anything but one listening TCP socket. The
 * caller owns *fd, which no child inherits any more.
 */
int inherited_socket(char *(*lookup)(const char *name), pid_t pid, int *fd, struct err *err) MUST_CHECK;

#endif
