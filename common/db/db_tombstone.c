// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_tombstone.h"

#include "common/db/db_call.h"
#include "common/db/db_row.h"

struct ask {
    struct arena *arena;
    struct db_tombstone **out;
    size_t *count;
};

static int take(struct db_call *call, struct err *err)
{
    const struct ask *ask = call->question;
    const PGresult *result = db_call_result(call, 0);
    size_t count = (size_t)PQntuples(result);
    struct db_tombstone *tombstones = arena_alloc(ask->arena, count * sizeof *tombstones);
    (void)err;
    for (size_t i = 0; i < count; i++) {
        struct db_row row = {.result = result, .row = (int)i, .arena = ask->arena};
        tombstones[i] = (struct db_tombstone){.id = db_row_int64(&row, "id"),
                                              .stored_name = db_row_text(&row, "stored_name")};
    }
    *ask->out = tombstones;
    *ask->count = count;
    return 0;
}

void db_tombstone_list(struct db *db, struct arena *arena, int64_t grace_ms, size_t limit,
                       struct db_tombstone **out, size_t *count, done_fn done, void *owner)
{
    /* a name that a row came to refer to after all must keep its file, whatever its tombstone says */
    static const struct db_statement list = {
        "tombstone_list", "SELECT id, stored_name FROM tombstone t "
                          "WHERE created_at <= clock_timestamp() - $1::bigint * interval '1 millisecond' "
                          "AND NOT EXISTS (SELECT FROM variant v WHERE v.stored_name = t.stored_name) "
                          "AND NOT EXISTS (SELECT FROM image i WHERE i.stored_name = t.stored_name) "
                          "ORDER BY created_at, id LIMIT $2::bigint"};
    struct db_call *call = db_call_new(db, take, done, owner);
    struct ask *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask){.arena = arena, .out = out, .count = count};
    call->question = ask;
    db_call_add(call, &list, 2,
                (const char *[]){db_call_int(call, grace_ms), db_call_int(call, (int64_t)limit)});
    db_call_start(call);
}

void db_tombstone_drop(struct db *db, const int64_t *ids, size_t count, done_fn done, void *owner)
{
    static const struct db_statement drop = {"tombstone_drop",
                                             "DELETE FROM tombstone WHERE id = ANY ($1::bigint[])"};
    struct db_call *call = db_call_new(db, NULL, done, owner);
    struct db_array array;
    db_array_init(&array, call);
    for (size_t i = 0; i < count; i++) {
        db_array_add_int(&array, ids[i]);
    }
    db_call_add(call, &drop, 1, (const char *[]){db_array_finish(&array)});
    db_call_start(call);
}
