// SPDX-License-Identifier: Apache-2.0
/*
 * What PostgreSQL's errors mean here. Inside db only.
 */
#ifndef PIXMILL_DB_DB_ERROR_H
#define PIXMILL_DB_DB_ERROR_H

#include "common/base/err.h"

#include <libpq-fe.h>

/*
 * Sets *err from a failed result of a statement of that name. The sentence has the SQLSTATE and the constraint, and none
 * of the server's own text, which may quote values. Returns -1.
 *
 * A slug that exists: ERR_SLUG_TAKEN. A value that the schema refuses: ERR_INVALID. What another attempt may get past
 * (connection, resources, shutdown, deadlock): ERR_DATABASE. All else: ERR_INTERNAL.
 */
int db_error_of_result(const PGresult *result, const char *statement, struct err *err);

/* Sets *err to ERR_DATABASE with the first line of what libpq says about a connection. Returns -1. */
int db_error_of_connection(const PGconn *pg, const char *what, struct err *err);

/* True where the connection's prepared statements can't be trusted any more. */
bool db_error_spoils(const PGresult *result);

#endif
