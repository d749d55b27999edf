// SPDX-License-Identifier: Apache-2.0
/*
 * The pool: calls wait here for a connection, and finished calls are answered from here, by one function that the loop
 * calls later (the pump). So nobody's answer runs inside a connection's step. Inside db only.
 */
#ifndef PIXMILL_DB_DB_POOL_H
#define PIXMILL_DB_DB_POOL_H

#include "common/base/list.h"
#include "common/db/db.h"
#include "common/db/db_target.h"
#include "common/net/loop.h"

enum { DB_MAX_WAITING = 4096, DB_MAX_PIPELINED = 32 };

struct db_call;
struct db_conn;

struct db {
    struct loop *loop;
    struct db_target target;
    uint64_t timeout_ms;
    struct db_conn *conns; /* owned */
    size_t conn_count;
    struct list waiting; /* calls without a connection, oldest first */
    size_t waiting_count;
    struct list finished; /* calls to be answered */
    struct loop_later pump;
    size_t pending; /* handles and look-ups whose last callback is to come */
    bool is_closing;
    void (*closed)(void *owner);
    void *closed_owner;
};

/* Takes a new call; its deadline starts. */
void db_pool_take(struct db *db, struct db_call *call);

/* Takes a call back from a connection, to be answered soon. */
void db_pool_finish(struct db *db, struct db_call *call);

/* Has the pump run soon: a connection has room, or something has ended. */
void db_pool_pump(struct db *db);

#endif
