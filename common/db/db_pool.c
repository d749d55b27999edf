// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_pool.h"

#include "common/base/alloc.h"
#include "common/db/db_call.h"
#include "common/db/db_conn.h"

#include <assert.h>

struct db *db_open(struct loop *loop, const struct db_options *options, struct err *err)
{
    assert(options->connections > 0);
    struct db *db = alloc_zeroed(1, sizeof *db);
    if (db_target_init(&db->target, options->url, err) != 0) {
        free(db);
        return NULL;
    }
    db->loop = loop;
    db->timeout_ms = options->timeout_ms;
    list_init(&db->waiting);
    list_init(&db->finished);
    db->conn_count = options->connections;
    db->conns = alloc_zeroed(db->conn_count, sizeof *db->conns);
    for (size_t i = 0; i < db->conn_count; i++) {
        db_conn_init(&db->conns[i], db);
    }
    return db;
}

bool db_is_up(const struct db *db)
{
    for (size_t i = 0; i < db->conn_count; i++) {
        if (db->conns[i].state == DB_CONN_UP) {
            return true;
        }
    }
    return false;
}

/* The connection with the fewest calls, or NULL where none takes any. */
static struct db_conn *least_loaded(struct db *db)
{
    struct db_conn *best = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < db->conn_count; i++) {
        size_t load = db_conn_load(&db->conns[i]);
        if (load < least) {
            least = load;
            best = &db->conns[i];
        }
    }
    return best;
}

static struct db_call *first_waiting(struct db *db)
{
    struct list *link = list_shift(&db->waiting);
    db->waiting_count -= link != NULL;
    return link == NULL ? NULL : list_owner(link, struct db_call, link);
}

static void dispatch(struct db *db)
{
    struct db_conn *conn = NULL;
    bool has_sent = false;
    while (!list_is_empty(&db->waiting) && (conn = least_loaded(db)) != NULL) {
        db_conn_send(conn, first_waiting(db));
        has_sent = true;
    }
    for (size_t i = 0; i < db->conn_count && has_sent; i++) {
        if (db->conns[i].pipe.call_count > 0) {
            db_conn_flush(&db->conns[i]);
        }
    }
}

static void answer_finished(struct db *db)
{
    /* those that finish meanwhile are answered in the next turn of the loop */
    struct list answered;
    list_init(&answered);
    while (!list_is_empty(&db->finished)) {
        list_append(&answered, list_shift(&db->finished));
    }
    for (struct list *link = list_shift(&answered); link != NULL; link = list_shift(&answered)) {
        db_call_answer(list_owner(link, struct db_call, link));
    }
}

static void db_free(struct db *db)
{
    void (*closed)(void *owner) = db->closed;
    void *owner = db->closed_owner;
    db_target_release(&db->target);
    free(db->conns);
    free(db);
    closed(owner);
}

static void pump(void *owner)
{
    struct db *db = owner;
    answer_finished(db);
    if (!db->is_closing) {
        dispatch(db);
    } else if (list_is_empty(&db->finished) && db->pending == 0 && !db->pump.is_queued) {
        db_free(db);
    }
}

void db_pool_pump(struct db *db)
{
    loop_call_later(db->loop, &db->pump, pump, db);
}

void db_pool_finish(struct db *db, struct db_call *call)
{
    deadline_disarm(&call->deadline);
    list_append(&db->finished, &call->link);
    db_pool_pump(db);
}

static void on_call_deadline(void *owner)
{
    struct db_call *call = owner;
    if (call->conn != NULL) {
        db_conn_doom(call->conn, "a call passed its deadline");
        return;
    }
    list_remove(&call->link);
    call->db->waiting_count--;
    db_call_fail(call, ERR_DATABASE, "no connection to the database in time");
    db_pool_finish(call->db, call);
}

void db_pool_take(struct db *db, struct db_call *call)
{
    if (db->is_closing) {
        db_call_fail(call, ERR_SHUTDOWN, "the program ends");
        db_pool_finish(db, call);
    } else if (db->waiting_count >= DB_MAX_WAITING) {
        db_call_fail(call, ERR_OVERLOADED, "%d calls wait for the database already", DB_MAX_WAITING);
        db_pool_finish(db, call);
    } else {
        deadline_arm(&call->deadline, db->loop, db->timeout_ms, on_call_deadline, call);
        list_append(&db->waiting, &call->link);
        db->waiting_count++;
        db_pool_pump(db);
    }
}

void db_close(struct db *db, void (*closed)(void *owner), void *owner)
{
    assert(!db->is_closing);
    db->is_closing = true;
    db->closed = closed;
    db->closed_owner = owner;
    for (struct db_call *call = first_waiting(db); call != NULL; call = first_waiting(db)) {
        db_call_fail(call, ERR_SHUTDOWN, "the program ends");
        db_pool_finish(db, call);
    }
    for (size_t i = 0; i < db->conn_count; i++) {
        db_conn_close(&db->conns[i]);
    }
    db_pool_pump(db);
}

void db_check(struct db *db, done_fn done, void *owner)
{
    static const struct db_statement check = {"check", "SELECT 1"};
    struct db_call *call = db_call_new(db, NULL, done, owner);
    db_call_add(call, &check, 0, NULL);
    db_call_start(call);
}
