// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_pipe.h"

#include "common/db/db_call.h"
#include "common/db/db_error.h"
#include "common/db/db_pool.h"

#include <assert.h>

void db_pipe_init(struct db_pipe *pipe)
{
    *pipe = (struct db_pipe){0};
    list_init(&pipe->calls);
}

int db_pipe_start(struct db_pipe *pipe, struct err *err)
{
    pipe->prepared_count = 0;
    pipe->is_spoiled = false;
    if (PQsetnonblocking(pipe->pg, 1) != 0 || PQenterPipelineMode(pipe->pg) != 1) {
        return db_error_of_connection(pipe->pg, "no pipeline", err);
    }
    return 0;
}

static bool is_prepared(const struct db_pipe *pipe, const struct db_statement *statement)
{
    for (size_t i = 0; i < pipe->prepared_count; i++) {
        if (pipe->prepared[i] == statement) {
            return true;
        }
    }
    return false;
}

/* Prepares come before all statements of the call, so that a statement's error does not skip one. */
static int send_prepares(struct db_pipe *pipe, struct db_call *call)
{
    for (size_t i = 0; i < call->query_count; i++) {
        const struct db_statement *statement = call->queries[i].statement;
        if (is_prepared(pipe, statement)) {
            continue;
        }
        assert(pipe->prepared_count < DB_PIPE_STATEMENTS);
        if (PQsendPrepare(pipe->pg, statement->name, statement->sql, 0, NULL) != 1) {
            return -1;
        }
        pipe->prepared[pipe->prepared_count++] = statement;
        call->prepares[call->prepare_count++] = statement;
    }
    return 0;
}

int db_pipe_send(struct db_pipe *pipe, struct db_call *call)
{
    list_append(&pipe->calls, &call->link);
    pipe->call_count++;
    if (send_prepares(pipe, call) != 0) {
        return -1;
    }
    for (size_t i = 0; i < call->query_count; i++) {
        const struct db_query *query = &call->queries[i];
        if (PQsendQueryPrepared(pipe->pg, query->statement->name, query->value_count, query->values, NULL,
                                NULL, 0) != 1) {
            return -1;
        }
    }
    return PQpipelineSync(pipe->pg) == 1 ? 0 : -1;
}

static void finish(struct db_pipe *pipe, struct db_call *call)
{
    list_remove(&call->link);
    pipe->call_count--;
    call->conn = NULL;
    db_pool_finish(call->db, call);
}

/* Takes a result that is of the call's present step; owns it. */
static void take_result(struct db_pipe *pipe, struct db_call *call, PGresult *result)
{
    bool is_prepare = call->step < call->prepare_count;
    size_t n = is_prepare ? call->step : call->step - call->prepare_count;
    assert(is_prepare || n < call->query_count);
    const struct db_statement *statement = is_prepare ? call->prepares[n] : call->queries[n].statement;
    ExecStatusType status = PQresultStatus(result);
    call->step++;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        if (!is_prepare) {
            call->queries[n].result = result;
            return;
        }
    } else {
        if (is_prepare || db_error_spoils(result)) {
            pipe->is_spoiled = true;
        }
        if (status != PGRES_PIPELINE_ABORTED && !call->has_failed) {
            call->has_failed = true;
            db_error_of_result(result, statement->name, &call->err);
        }
    }
    PQclear(result);
}

int db_pipe_receive(struct db_pipe *pipe, struct err *err)
{
    if (PQconsumeInput(pipe->pg) != 1) {
        return db_error_of_connection(pipe->pg, "the connection was lost", err);
    }
    /* a NULL ends each statement's results; two in a row say that there is nothing more */
    for (bool was_null = false; !list_is_empty(&pipe->calls) && PQisBusy(pipe->pg) == 0;) {
        struct db_call *call = list_owner(pipe->calls.next, struct db_call, link);
        PGresult *result = PQgetResult(pipe->pg);
        if (result == NULL) {
            if (was_null) {
                break;
            }
            was_null = true;
            continue;
        }
        was_null = false;
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            /* a statement whose result never came, though none failed, can't be */
            assert(call->has_failed || call->step == call->prepare_count + call->query_count);
            finish(pipe, call);
        } else {
            take_result(pipe, call, result);
        }
    }
    return PQstatus(pipe->pg) == CONNECTION_OK
               ? 0
               : db_error_of_connection(pipe->pg, "the connection was lost", err);
}

int db_pipe_flush(struct db_pipe *pipe, struct err *err)
{
    int status = PQflush(pipe->pg);
    return status < 0 ? db_error_of_connection(pipe->pg, "the connection was lost", err) : status;
}

void db_pipe_stop(struct db_pipe *pipe, enum err_code code, const char *why)
{
    PQfinish(pipe->pg);
    pipe->pg = NULL;
    while (!list_is_empty(&pipe->calls)) {
        struct db_call *call = list_owner(pipe->calls.next, struct db_call, link);
        /* what came before the end of its transaction does not count */
        call->has_failed = false;
        db_call_fail(call, code, "%s", why);
        finish(pipe, call);
    }
}
