// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_blocking.h"

#include "common/db/db_error.h"

static void drop_notice(void *owner, const PGresult *result)
{
    (void)owner;
    (void)result;
}

PGconn *db_blocking_open(const char *url, struct err *err)
{
    /* the URL as dbname, expanded, comes after the defaults and so overrules them */
    const char *const keywords[] = {"fallback_application_name", "connect_timeout", "dbname", NULL};
    const char *const values[] = {"pixmill", "10", url, NULL};
    char *text = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &text);
    PQfreemem(text);
    if (options == NULL) {
        err_set(err, ERR_CONFIG, "the database URL can not be parsed");
        return NULL;
    }
    PQconninfoFree(options);
    PGconn *pg = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(pg) != CONNECTION_OK) {
        db_error_of_connection(pg, "no connection", err);
        PQfinish(pg);
        return NULL;
    }
    PQsetNoticeReceiver(pg, drop_notice, NULL);
    return pg;
}

PGresult *db_blocking_run(PGconn *pg, const char *sql, int count, const char *const *values, struct err *err)
{
    PGresult *result =
        count == 0 ? PQexec(pg, sql) : PQexecParams(pg, sql, count, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        return result;
    }
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (text == NULL) {
        db_error_of_connection(pg, "the connection was lost", err);
    } else {
        db_error_of_result(result, "of the command line", err);
        err_context(err, "%s", text);
    }
    PQclear(result);
    return NULL;
}
