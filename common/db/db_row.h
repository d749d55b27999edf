// SPDX-License-Identifier: Apache-2.0
/*
 * Typed reading of a result's rows by column name. A column that is missing or not of the type asked for is a fault of our
 * own SQL, so it asserts. Inside db only.
 */
#ifndef PIXMILL_DB_DB_ROW_H
#define PIXMILL_DB_DB_ROW_H

#include "common/base/arena.h"
#include "common/image/image_format.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

struct db_row {
    const PGresult *result;
    int row;
    struct arena *arena; /* of strings; NULL where none is read */
};

/* True where the column is NULL. */
bool db_row_is_null(const struct db_row *row, const char *column);

/* A whole number; NULL reads as 0. */
int64_t db_row_int64(const struct db_row *row, const char *column);
int db_row_int(const struct db_row *row, const char *column);

/* A boolean; NULL reads as false. */
bool db_row_bool(const struct db_row *row, const char *column);

/* A string in the arena; NULL reads as NULL. */
const char *db_row_text(const struct db_row *row, const char *column);

/* An image format's word. */
enum image_format db_row_format(const struct db_row *row, const char *column);

/* The bytes of a column of hexadecimal digits. */
void db_row_hex(const struct db_row *row, const char *column, unsigned char *out, size_t bytes);

#endif
