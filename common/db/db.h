// SPDX-License-Identifier: Apache-2.0
/*
 * PostgreSQL: a pool of non-blocking, pipelined connections on the loop, and the questions that pixmill asks (db_image,
 * db_product, db_key, db_media, db_tombstone). One call is one implicit transaction. Every call has a deadline; where it
 * passes, the connection is torn down, all calls on it fail with ERR_DATABASE (their effect is unknown), and a new one is
 * made after a back-off. While there is no connection, calls wait for one, at most their deadline.
 *
 * Results are copied into the arena that a call gets, so they live as long as the caller wants; strings that a call is
 * given are copied before it returns. Errors of every call: ERR_DATABASE (may pass; the effect is unknown), ERR_OVERLOADED
 * (too many wait already), ERR_SHUTDOWN, ERR_INVALID (the schema refuses a value), ERR_INTERNAL (our own mistake), and those
 * that its comment names.
 */
#ifndef PIXMILL_DB_DB_H
#define PIXMILL_DB_DB_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct db;
struct loop;

struct db_options {
    const char *url; /* libpq URI or key=value string */
    size_t connections;
    uint64_t timeout_ms; /* of a call, waiting included */
};

/* Starts connecting in the background. NULL with ERR_CONFIG where the URL can't be parsed, or names
 * several hosts. Closed with db_close. */
struct db *db_open(struct loop *loop, const struct db_options *options, struct err *err);

/* Fails what is pending with ERR_SHUTDOWN, disconnects, frees; closed(owner) is the last call, made from the loop. */
void db_close(struct db *db, void (*closed)(void *owner), void *owner);

/* True while a connection stands; asks nothing. */
bool db_is_up(const struct db *db);

/* Asks whether the database answers now (for /readyz). */
void db_check(struct db *db, done_fn done, void *owner);

#endif
