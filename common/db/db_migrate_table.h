// SPDX-License-Identifier: Apache-2.0
/*
 * The migrations that the build embedded. Inside db only.
 */
#ifndef PIXMILL_DB_DB_MIGRATE_TABLE_H
#define PIXMILL_DB_DB_MIGRATE_TABLE_H

#include <stddef.h>

struct db_migration {
    int number; /* 0 ends the table */
    const char *name;
    const char *sql;
};

/* In order of their numbers. */
extern const struct db_migration db_migrations[];

#endif
