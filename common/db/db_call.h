// SPDX-License-Identifier: Apache-2.0
/*
 * One question to the database: statements with their parameters, sent together as one implicit transaction. Made, filled and
 * started by the files of questions (db_image.c, ...); then the pool owns it and frees it after it has answered.
 * Inside db only.
 */
#ifndef PIXMILL_DB_DB_CALL_H
#define PIXMILL_DB_DB_CALL_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/list.h"
#include "common/db/db.h"
#include "common/net/loop.h"

#include <libpq-fe.h>

enum { DB_CALL_QUERIES = 4 };

/* A statement that a connection prepares when it first meets it. Static. */
struct db_statement {
    const char *name;
    const char *sql;
};

struct db_conn;
struct db_call;

/*
 * Reads a call's results into the caller's out-parameters, once all statements have succeeded. Returns 0, or -1 with what
 * the caller is told instead (ERR_NOT_FOUND).
 */
typedef int (*db_take_fn)(struct db_call *call, struct err *err);

struct db_query {
    const struct db_statement *statement;
    int value_count;
    const char **values; /* in the call's arena */
    PGresult *result;    /* owned */
};

struct db_call {
    struct list link; /* in the pool's waiting or finished, or in a connection's calls */
    struct db *db;
    struct arena *arena; /* owned: parameters and what `question` points at */
    size_t query_count;
    struct db_query queries[DB_CALL_QUERIES];
    db_take_fn take; /* NULL: nothing to read */
    void *question;  /* what take needs */
    done_fn done;
    void *owner;
    struct deadline deadline;
    /* of the connection that has it */
    struct db_conn *conn;
    size_t prepare_count;
    const struct db_statement *prepares[DB_CALL_QUERIES];
    size_t step; /* results that have come: first the prepares', then the queries' */
    bool has_failed;
    struct err err;
};

/* An empty call. take may be NULL. Never NULL; ended by db_call_start. */
struct db_call *db_call_new(struct db *db, db_take_fn take, done_fn done, void *owner);

/* Adds a statement with `count` parameters in text form (NULL: SQL NULL), which must live as long as the call's arena. */
void db_call_add(struct db_call *call, const struct db_statement *statement, int count,
                 const char *const *values);

/* Hands the call to the pool, which answers done once. */
void db_call_start(struct db_call *call);

/* Marks a call as failed with a formatted sentence; the first failure counts. */
void db_call_fail(struct db_call *call, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Answers and frees a finished call. */
void db_call_answer(struct db_call *call);

/* The result of the call's n-th statement, inside take. */
const PGresult *db_call_result(const struct db_call *call, size_t n);

/* Parameters in text form, in the call's arena: a number, a boolean, bytes for a bytea. */
const char *db_call_int(struct db_call *call, int64_t number);
const char *db_call_bool(bool is_true);
const char *db_call_bytes(struct db_call *call, const unsigned char *data, size_t bytes);

/* A parameter that is an array, made item by item: "{" ... "}". */
struct db_array {
    struct db_call *call;
    char *text; /* in the call's arena */
    size_t used;
    size_t size;
};
void db_array_init(struct db_array *array, struct db_call *call);
void db_array_add_text(struct db_array *array, const char *text); /* NULL: SQL NULL */
void db_array_add_int(struct db_array *array, int64_t number);
const char *db_array_finish(struct db_array *array);

#endif
