// SPDX-License-Identifier: Apache-2.0
/*
 * Migrations: deploy/migrations/NNNN_what.sql, embedded into the binary when it is built, applied in order, each once, all in
 * one transaction under an advisory lock, so that two starts at once are safe. Blocking, on a connection of its own.
 */
#ifndef PIXMILL_DB_DB_MIGRATE_H
#define PIXMILL_DB_DB_MIGRATE_H

#include "common/base/err.h"

/* Applies what is missing. *applied is how many were. Returns 0, or -1 with *err and the database as
 * it was: ERR_DATABASE, or ERR_CONFIG where a migration that was applied says something else by now. */
int db_migrate(const char *url, int *applied, struct err *err) MUST_CHECK;

#endif
