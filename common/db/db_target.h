// SPDX-License-Identifier: Apache-2.0
/*
 * Where the database is: libpq's parameters, read once, so that a connection can be started without libpq looking up a name
 * (which would block the loop). Inside db only.
 */
#ifndef PIXMILL_DB_DB_TARGET_H
#define PIXMILL_DB_DB_TARGET_H

#include "common/base/err.h"

#include <libpq-fe.h>

struct addrinfo;

struct db_target {
    PQconninfoOption *options; /* owned by libpq */
    char *lookup_host;         /* owned; a name that must be looked up first, or NULL */
};

/* Reads a libpq URI or key=value string. Returns 0, or -1 with ERR_CONFIG. Ended by db_target_release. */
int db_target_init(struct db_target *target, const char *url, struct err *err) MUST_CHECK;

/* Frees what db_target_init allocated. */
void db_target_release(struct db_target *target);

/* Starts a connection (PQconnectStart) to the addresses that a look-up gave; NULL where none was needed. NULL: no memory. */
PGconn *db_target_connect(const struct db_target *target, const struct addrinfo *addresses);

#endif
