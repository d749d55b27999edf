// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_call.h"

#include "common/base/alloc.h"
#include "common/base/text.h"
#include "common/db/db_pool.h"

#include <assert.h>

struct db_call *db_call_new(struct db *db, db_take_fn take, done_fn done, void *owner)
{
    struct db_call *call = alloc_zeroed(1, sizeof *call);
    list_init(&call->link);
    call->db = db;
    call->arena = arena_new();
    call->take = take;
    call->done = done;
    call->owner = owner;
    return call;
}

void db_call_add(struct db_call *call, const struct db_statement *statement, int count,
                 const char *const *values)
{
    assert(call->query_count < DB_CALL_QUERIES);
    struct db_query *query = &call->queries[call->query_count++];
    query->statement = statement;
    query->value_count = count;
    query->values = arena_alloc(call->arena, (size_t)count * sizeof *query->values);
    for (int i = 0; i < count; i++) {
        query->values[i] = values[i];
    }
}

void db_call_start(struct db_call *call)
{
    db_pool_take(call->db, call);
}

void db_call_fail(struct db_call *call, enum err_code code, const char *format, ...)
{
    if (!call->has_failed) {
        va_list args;
        va_start(args, format);
        call->has_failed = true;
        call->err.code = code;
        vsnprintf(call->err.sentence, sizeof call->err.sentence, format, args);
        va_end(args);
    }
}

void db_call_answer(struct db_call *call)
{
    deadline_disarm(&call->deadline);
    if (!call->has_failed && call->take != NULL && call->take(call, &call->err) != 0) {
        call->has_failed = true;
    }
    call->done(call->owner, call->has_failed ? &call->err : NULL);
    for (size_t i = 0; i < call->query_count; i++) {
        PQclear(call->queries[i].result);
    }
    arena_free(call->arena);
    free(call);
}

const PGresult *db_call_result(const struct db_call *call, size_t n)
{
    assert(n < call->query_count && call->queries[n].result != NULL);
    return call->queries[n].result;
}

const char *db_call_int(struct db_call *call, int64_t number)
{
    return arena_format(call->arena, "%lld", (long long)number);
}

const char *db_call_bool(bool is_true)
{
    return is_true ? "t" : "f";
}

const char *db_call_bytes(struct db_call *call, const unsigned char *data, size_t bytes)
{
    char *text = arena_alloc(call->arena, 2 + 2 * bytes + 1);
    text[0] = '\\';
    text[1] = 'x';
    text_hex(data, bytes, text + 2);
    return text;
}

static void array_put(struct db_array *array, char byte)
{
    if (array->used == array->size) {
        char *larger = arena_alloc(array->call->arena, 2 * array->size);
        memcpy(larger, array->text, array->used);
        array->text = larger;
        array->size *= 2;
    }
    array->text[array->used++] = byte;
}

void db_array_init(struct db_array *array, struct db_call *call)
{
    array->call = call;
    array->used = 0;
    array->size = 256;
    array->text = arena_alloc(call->arena, array->size);
    array_put(array, '{');
}

static void array_put_all(struct db_array *array, const char *text)
{
    for (; *text != '\0'; text++) {
        array_put(array, *text);
    }
}

/* Every text is quoted, so that none can be taken for NULL or end early (PostgreSQL 8.15.6). */
void db_array_add_text(struct db_array *array, const char *text)
{
    if (array->used > 1) {
        array_put(array, ',');
    }
    if (text == NULL) {
        array_put_all(array, "NULL");
        return;
    }
    array_put(array, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            array_put(array, '\\');
        }
        array_put(array, *text);
    }
    array_put(array, '"');
}

void db_array_add_int(struct db_array *array, int64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)number);
    db_array_add_text(array, digits);
}

const char *db_array_finish(struct db_array *array)
{
    array_put(array, '}');
    array_put(array, '\0');
    return array->text;
}
