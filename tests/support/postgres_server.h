// SPDX-License-Identifier: Apache-2.0
/*
 * A private PostgreSQL for one test program: a new cluster in a folder of its own, on a Unix socket. As root it runs as the
 * user postgres. It ends with the test program.
 */
#ifndef PIXMILL_TESTS_POSTGRES_SERVER_H
#define PIXMILL_TESTS_POSTGRES_SERVER_H

#include <stdbool.h>

struct postgres_server;

/* Makes a cluster with the newest PostgreSQL of the distribution, starts it, and waits until it is ready. Aborts on failure. */
struct postgres_server *postgres_server_start(void);

/* A URL of the database "postgres", as its superuser; lives as long as the server. */
const char *postgres_server_url(const struct postgres_server *server);

/* A fast shutdown: clients are cut off, the data stays. */
void postgres_server_halt(struct postgres_server *server);

/* Starts a halted one with the same data; with is_tcp it listens on a port of 127.0.0.1, too. */
void postgres_server_again(struct postgres_server *server, bool is_tcp);

/* The TCP port; 0 while there is none. */
int postgres_server_port(const struct postgres_server *server);

/* Stops it, removes its folder and frees. */
void postgres_server_stop(struct postgres_server *server);

#endif
