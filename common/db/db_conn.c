// SPDX-License-Identifier: Apache-2.0
/*
 * A connection's life:
 *
 *     WAIT ──► RESOLVE ──► CONNECT ──► UP
 *      ▲          │           │         │
 *      └──────────┴── DROP ◄──┴─────────┘        any ──► CLOSED
 *
 * WAIT is the back-off. RESOLVE looks a host name up, where there is one. UP gives calls to the pipe. DROP ends the PGconn and
 * fails its calls. Callbacks store what happened and step.
 */
#include "common/db/db_conn.h"

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/db/db_call.h"
#include "common/db/db_error.h"
#include "common/db/db_pool.h"
#include "common/net/backoff.h"

#include <assert.h>

enum { FIRST_WAIT_MS = 50, MOST_WAIT_MS = 5000, CONNECT_MS = 10000 };

/* Watches one socket. On its own, since a PGconn may change sockets while libuv still closes the old handle. */
struct db_poll {
    uv_poll_t handle;
    struct db *db;
    struct db_conn *conn; /* NULL once it is closing */
};

static void conn_step(struct db_conn *conn);

/* callbacks */

static void on_deadline(void *owner)
{
    struct db_conn *conn = owner;
    conn->is_due = true;
    conn_step(conn);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct db_conn *conn = ((struct db_poll *)handle->data)->conn;
    /* libuv stops a handle at an error and tells it once: whatever waits has to try and see for itself */
    conn->events |= status != 0 ? UV_READABLE | UV_WRITABLE : events;
    conn_step(conn);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct db_poll *poll = handle->data;
    struct db *db = poll->db;
    free(poll);
    db->pending--;
    db_pool_pump(db);
}

static void on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct db_conn *conn = request->data;
    assert(conn->addresses == NULL);
    conn->addresses = status == 0 ? addresses : NULL;
    conn->lookup_state = DB_LOOKUP_DONE;
    conn->db->pending--;
    db_pool_pump(conn->db);
    conn_step(conn);
}

static void on_setup(void *owner, const struct err *err)
{
    struct db_conn *conn = owner;
    if (err == NULL) {
        conn->failures = 0;
    }
}

/* the socket */

static void unwatch(struct db_conn *conn)
{
    if (conn->poll != NULL) {
        conn->poll->conn = NULL;
        conn->db->pending++;
        uv_close((uv_handle_t *)&conn->poll->handle, on_poll_closed);
        conn->poll = NULL;
    }
}

/* Returns 0, or -1 where the kernel refuses. */
static int watch(struct db_conn *conn, int events)
{
    if (conn->poll == NULL) {
        struct db_poll *poll = alloc_zeroed(1, sizeof *poll);
        if (uv_poll_init(loop_uv(conn->db->loop), &poll->handle, PQsocket(conn->pipe.pg)) != 0) {
            free(poll);
            return -1;
        }
        poll->handle.data = poll;
        poll->db = conn->db;
        poll->conn = conn;
        conn->poll = poll;
    }
    return uv_poll_start(&conn->poll->handle, events, on_poll);
}

/* the states */

static enum db_conn_state drop(const struct err *err)
{
    log_debug("a database connection is made anew", log_err(err));
    return DB_CONN_DROP;
}

static enum db_conn_state do_wait(struct db_conn *conn)
{
    if (!conn->is_due) {
        return DB_CONN_WAIT;
    }
    return conn->db->target.lookup_host != NULL ? DB_CONN_RESOLVE : DB_CONN_CONNECT;
}

static enum db_conn_state do_resolve(struct db_conn *conn)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct err err;
    if (conn->lookup_state == DB_LOOKUP_PENDING) {
        /* a look-up can't be stopped once it runs; the resolver's own time limit ends it */
        return DB_CONN_RESOLVE;
    }
    if (conn->lookup_state == DB_LOOKUP_NONE) {
        conn->lookup.data = conn;
        int status = uv_getaddrinfo(loop_uv(conn->db->loop), &conn->lookup, on_lookup,
                                    conn->db->target.lookup_host, NULL, &hints);
        if (status != 0) {
            err_set(&err, ERR_DATABASE, "no look-up: %s", uv_strerror(status));
            return drop(&err);
        }
        conn->lookup_state = DB_LOOKUP_PENDING;
        conn->db->pending++;
        return DB_CONN_RESOLVE;
    }
    conn->lookup_state = DB_LOOKUP_NONE;
    if (conn->addresses == NULL || conn->is_due) {
        err_set(&err, ERR_DATABASE, "the host of the database can not be looked up");
        return drop(&err);
    }
    return DB_CONN_CONNECT;
}

/* Tells the session what every call of it relies on. */
static void send_setup(struct db_conn *conn)
{
    /* a statement whose caller has given up must not hold its locks for ever */
    static const struct db_statement setup = {
        "setup", "SELECT set_config('statement_timeout', $1, false), "
                 "set_config('idle_in_transaction_session_timeout', $1, "
                 "false), set_config('default_transaction_isolation', 'read committed', false)"};
    struct db_call *call = db_call_new(conn->db, NULL, on_setup, conn);
    db_call_add(call, &setup, 1, (const char *[]){db_call_int(call, (int64_t)conn->db->timeout_ms)});
    db_conn_send(conn, call);
}

static enum db_conn_state do_connect(struct db_conn *conn)
{
    struct err err;
    /* the socket of one poll may be gone at the next, and a new one have its number: never keep the handle */
    unwatch(conn);
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
    if (conn->is_due) {
        err_set(&err, ERR_DATABASE, "no connection in time");
        return drop(&err);
    }
    if (conn->pipe.pg == NULL) {
        conn->pipe.pg = db_target_connect(&conn->db->target, conn->addresses);
        if (conn->pipe.pg == NULL || PQstatus(conn->pipe.pg) == CONNECTION_BAD) {
            db_error_of_connection(conn->pipe.pg, "no connection", &err);
            return drop(&err);
        }
    } else {
        wants = PQconnectPoll(conn->pipe.pg);
    }
    if (wants == PGRES_POLLING_OK && db_pipe_start(&conn->pipe, &err) == 0) {
        send_setup(conn);
        db_pool_pump(conn->db);
        return DB_CONN_UP;
    }
    if ((wants == PGRES_POLLING_READING || wants == PGRES_POLLING_WRITING) &&
        watch(conn, wants == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE) == 0) {
        return DB_CONN_CONNECT;
    }
    db_error_of_connection(conn->pipe.pg, "no connection", &err);
    return drop(&err);
}

static enum db_conn_state do_up(struct db_conn *conn)
{
    struct err err;
    if ((conn->events & UV_READABLE) != 0 && db_pipe_receive(&conn->pipe, &err) != 0) {
        return drop(&err);
    }
    conn->events = 0;
    int unsent = db_pipe_flush(&conn->pipe, &err);
    if (unsent < 0) {
        return drop(&err);
    }
    if (conn->pipe.is_spoiled && conn->pipe.call_count == 0) {
        err_set(&err, ERR_DATABASE, "its prepared statements are of no use");
        return drop(&err);
    }
    if (watch(conn, unsent != 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE) != 0) {
        err_set(&err, ERR_DATABASE, "its socket can not be watched");
        return drop(&err);
    }
    return DB_CONN_UP;
}

static enum db_conn_state do_drop(struct db_conn *conn)
{
    unwatch(conn);
    uv_freeaddrinfo(conn->addresses);
    conn->addresses = NULL;
    if (conn->is_closing) {
        db_pipe_stop(&conn->pipe, ERR_SHUTDOWN, "the program ends");
        if (conn->lookup_state == DB_LOOKUP_PENDING) {
            uv_cancel((uv_req_t *)&conn->lookup);
        }
        return DB_CONN_CLOSED;
    }
    db_pipe_stop(&conn->pipe, ERR_DATABASE, conn->doom != NULL ? conn->doom : "the connection was lost");
    conn->doom = NULL;
    conn->failures++;
    return DB_CONN_WAIT;
}

static enum db_conn_state do_closed(struct db_conn *conn)
{
    uv_freeaddrinfo(conn->addresses);
    conn->addresses = NULL;
    return DB_CONN_CLOSED;
}

static void conn_set_state(struct db_conn *conn, enum db_conn_state state)
{
    struct loop *loop = conn->db->loop;
    conn->state = state;
    conn->is_due = false;
    conn->events = 0;
    deadline_disarm(&conn->deadline);
    switch (state) {
    case DB_CONN_WAIT:
        deadline_arm(&conn->deadline, loop,
                     backoff_ms(FIRST_WAIT_MS, MOST_WAIT_MS, conn->failures, random_below(UINT32_MAX)),
                     on_deadline, conn);
        break;
    case DB_CONN_RESOLVE:
    case DB_CONN_CONNECT:
        deadline_arm(&conn->deadline, loop, CONNECT_MS, on_deadline, conn);
        break;
    case DB_CONN_UP: /* its calls have deadlines of their own */
    case DB_CONN_DROP:
    case DB_CONN_CLOSED:
        break;
    }
}

static void conn_step(struct db_conn *conn)
{
    static enum db_conn_state (*const table[])(struct db_conn *) = {
        [DB_CONN_WAIT] = do_wait, [DB_CONN_RESOLVE] = do_resolve, [DB_CONN_CONNECT] = do_connect,
        [DB_CONN_UP] = do_up,     [DB_CONN_DROP] = do_drop,       [DB_CONN_CLOSED] = do_closed,
    };
    for (bool has_changed = true; has_changed;) {
        enum db_conn_state next = table[conn->state](conn);
        if ((conn->is_closing || conn->doom != NULL) && next != DB_CONN_CLOSED && next != DB_CONN_WAIT) {
            next = DB_CONN_DROP;
        }
        has_changed = next != conn->state;
        if (has_changed) {
            conn_set_state(conn, next);
        }
    }
}

void db_conn_init(struct db_conn *conn, struct db *db)
{
    *conn = (struct db_conn){.db = db};
    db_pipe_init(&conn->pipe);
    conn_set_state(conn, DB_CONN_WAIT);
    /* the first attempt needs no wait, but not from inside db_open */
    deadline_arm(&conn->deadline, db->loop, 0, on_deadline, conn);
}

size_t db_conn_load(const struct db_conn *conn)
{
    bool takes = conn->state == DB_CONN_UP && conn->doom == NULL && !conn->pipe.is_spoiled &&
                 conn->pipe.call_count < DB_MAX_PIPELINED;
    return takes ? conn->pipe.call_count : SIZE_MAX;
}

void db_conn_send(struct db_conn *conn, struct db_call *call)
{
    call->conn = conn;
    if (db_pipe_send(&conn->pipe, call) != 0) {
        conn->doom = "a statement can not be sent";
    }
}

void db_conn_flush(struct db_conn *conn)
{
    conn_step(conn);
}

void db_conn_doom(struct db_conn *conn, const char *why)
{
    conn->doom = why;
    conn_set_state(conn, DB_CONN_DROP);
    conn_step(conn);
}

void db_conn_close(struct db_conn *conn)
{
    conn->is_closing = true;
    conn_set_state(conn, DB_CONN_DROP);
    conn_step(conn);
}
