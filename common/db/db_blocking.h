// SPDX-License-Identifier: Apache-2.0
/*
 * A connection of its own for the command line: everything blocks. Inside db only.
 */
#ifndef PIXMILL_DB_DB_BLOCKING_H
#define PIXMILL_DB_DB_BLOCKING_H

#include "common/base/err.h"

#include <libpq-fe.h>

/* Connects. NULL with *err (ERR_CONFIG for the URL, ERR_DATABASE); ended by PQfinish. */
PGconn *db_blocking_open(const char *url, struct err *err);

/*
 * Runs one statement with text parameters; without parameters several, separated by semicolons. Returns its result, ended by
 * PQclear, or NULL with *err: with the server's message, since an operator reads it.
 */
PGresult *db_blocking_run(PGconn *pg, const char *sql, int count, const char *const *values, struct err *err);

#endif
