// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_row.h"

#include "common/base/text.h"

#include <assert.h>
#include <limits.h>

/* The text of a value, or NULL for an SQL NULL; lives as long as the result. */
static const char *value_of(const struct db_row *row, const char *column)
{
    int number = PQfnumber(row->result, column);
    assert(number >= 0);
    return PQgetisnull(row->result, row->row, number) ? NULL : PQgetvalue(row->result, row->row, number);
}

bool db_row_is_null(const struct db_row *row, const char *column)
{
    return value_of(row, column) == NULL;
}

static int64_t number_in(const struct db_row *row, const char *column, int64_t least, int64_t most)
{
    const char *value = value_of(row, column);
    int64_t number = 0;
    if (value != NULL) {
        int status = text_int64(value, least, most, &number);
        assert(status == 0);
    }
    return number;
}

int64_t db_row_int64(const struct db_row *row, const char *column)
{
    return number_in(row, column, INT64_MIN, INT64_MAX);
}

int db_row_int(const struct db_row *row, const char *column)
{
    return (int)number_in(row, column, INT_MIN, INT_MAX);
}

bool db_row_bool(const struct db_row *row, const char *column)
{
    const char *value = value_of(row, column);
    assert(value == NULL || value[0] == 't' || value[0] == 'f');
    return value != NULL && value[0] == 't';
}

const char *db_row_text(const struct db_row *row, const char *column)
{
    return arena_string(row->arena, value_of(row, column));
}

enum image_format db_row_format(const struct db_row *row, const char *column)
{
    const char *value = value_of(row, column);
    assert(value != NULL);
    return image_format_of_word(value);
}

void db_row_hex(const struct db_row *row, const char *column, unsigned char *out, size_t bytes)
{
    const char *value = value_of(row, column);
    assert(value != NULL);
    int status = text_of_hex(value, out, bytes);
    assert(status == 0);
}
