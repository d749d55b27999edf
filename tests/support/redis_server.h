// SPDX-License-Identifier: Apache-2.0
/*
 * A private Redis for one test: on a Unix socket in a folder of its own, without any persistence. It dies
 * with the test.
 */
#ifndef PIXMILL_TESTS_REDIS_SERVER_H
#define PIXMILL_TESTS_REDIS_SERVER_H

struct redis_server;

/* Starts one and waits until it answers; extra is one more pair of options ("--requirepass", "x") or NULL.
 * Aborts on failure. */
struct redis_server *redis_server_start(const char *option, const char *value);

/* "unix:/..."; lives as long as the server. */
const char *redis_server_url(const struct redis_server *server);

/* The path of its socket. */
const char *redis_server_socket(const struct redis_server *server);

/* Lets it listen on a free TCP port of 127.0.0.1, too, until it is killed; password is its own, or NULL. Returns the port. */
int redis_server_listen(struct redis_server *server, const char *password);

/* SIGKILL, as when the machine dies; its data are gone. redis_server_again starts an empty one at the same
 * place. */
void redis_server_kill(struct redis_server *server);
void redis_server_again(struct redis_server *server);

/* SIGSTOP and SIGCONT: it keeps its connections, but answers nothing. */
void redis_server_stall(struct redis_server *server);
void redis_server_wake(struct redis_server *server);

/* Kills it, removes its folder and frees. */
void redis_server_stop(struct redis_server *server);

#endif
