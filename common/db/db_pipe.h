// SPDX-License-Identifier: Apache-2.0
/*
 * A PGconn in pipeline mode: sends calls, and matches what comes back to them in order. Knows no loop. Inside db only.
 *
 * A call is PREPARE where needed, its statements, and one Sync: the implicit transaction. An error skips to the Sync, so
 * it touches no other call.
 */
#ifndef PIXMILL_DB_DB_PIPE_H
#define PIXMILL_DB_DB_PIPE_H

#include "common/base/err.h"
#include "common/base/list.h"

#include <libpq-fe.h>

enum { DB_PIPE_STATEMENTS = 64 };

struct db_call;
struct db_statement;

struct db_pipe {
    PGconn *pg;        /* owned; NULL while there is none */
    struct list calls; /* sent, in order */
    size_t call_count;
    const struct db_statement *prepared[DB_PIPE_STATEMENTS];
    size_t prepared_count;
    bool
        is_spoiled; /* a statement that was counted as prepared is not: take no call, end when the last is done */
};

/* A pipe without a connection. */
void db_pipe_init(struct db_pipe *pipe);

/* Puts a connected PGconn, which it already owns, into pipeline mode. Returns 0, or -1 with ERR_DATABASE. */
int db_pipe_start(struct db_pipe *pipe, struct err *err) MUST_CHECK;

/* Queues a call; it is the pipe's, also on an error. Returns 0, or -1 where the connection is of no use any more. */
int db_pipe_send(struct db_pipe *pipe, struct db_call *call) MUST_CHECK;

/* Takes what has arrived. Finished calls go to their pool. Returns 0, or -1 with ERR_DATABASE where the connection is lost. */
int db_pipe_receive(struct db_pipe *pipe, struct err *err) MUST_CHECK;

/* Writes. Returns 0, 1 where the socket is full, or -1 with ERR_DATABASE. */
int db_pipe_flush(struct db_pipe *pipe, struct err *err) MUST_CHECK;

/* Ends the connection, and finishes all calls with that error. */
void db_pipe_stop(struct db_pipe *pipe, enum err_code code, const char *why);

#endif
