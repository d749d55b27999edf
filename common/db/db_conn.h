// SPDX-License-Identifier: Apache-2.0
/*
 * One connection of the pool, which heals itself. Inside db only.
 */
#ifndef PIXMILL_DB_DB_CONN_H
#define PIXMILL_DB_DB_CONN_H

#include "common/base/list.h"
#include "common/db/db_pipe.h"
#include "common/net/loop.h"

struct addrinfo;
struct db;
struct db_call;
struct db_poll;

enum db_conn_state {
    DB_CONN_WAIT,
    DB_CONN_RESOLVE,
    DB_CONN_CONNECT,
    DB_CONN_UP,
    DB_CONN_DROP,
    DB_CONN_CLOSED
};

struct db_conn {
    struct db *db;
    enum db_conn_state state;
    struct deadline deadline; /* of the state */
    struct db_pipe pipe;      /* owns the PGconn */
    struct db_poll *poll;     /* owned until closed; watches the socket of now */
    int events;               /* that came since the last step */
    bool is_due;              /* the back-off or the time of an attempt is over */
    unsigned failures;        /* attempts since it last worked */
    uv_getaddrinfo_t lookup;
    enum { DB_LOOKUP_NONE, DB_LOOKUP_PENDING, DB_LOOKUP_DONE } lookup_state;
    struct addrinfo *addresses; /* owned; of the last look-up, or NULL */
    const char *doom;           /* why it must be dropped at the next step, or NULL */
    bool is_closing;
};

/* A connection that begins to connect. */
void db_conn_init(struct db_conn *conn, struct db *db);

/* How many calls it has; SIZE_MAX where it takes none. */
size_t db_conn_load(const struct db_conn *conn);

/* Sends a call; its results come later. Where that fails the connection is dropped, and the call with it. */
void db_conn_send(struct db_conn *conn, struct db_call *call);

/* Writes what was sent. */
void db_conn_flush(struct db_conn *conn);

/* Tears the connection down: its calls fail with ERR_DATABASE, and it heals. why: a constant sentence. */
void db_conn_doom(struct db_conn *conn, const char *why);

/* Tears it down for good; its calls fail with ERR_SHUTDOWN. Handles that still close are counted in db->pending. */
void db_conn_close(struct db_conn *conn);

#endif
