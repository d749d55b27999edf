// SPDX-License-Identifier: Apache-2.0
/* What is asked of many images at once: which are owed, and which files they name. */
#include "common/base/text.h"
#include "common/db/db_call.h"
#include "common/db/db_image.h"
#include "common/db/db_row.h"

#include <assert.h>

struct ask_owed {
    struct arena *arena;
    struct db_image_owed **out;
    size_t *count;
};

static int take_owed(struct db_call *call, struct err *err)
{
    const struct ask_owed *ask = call->question;
    const PGresult *result = db_call_result(call, 0);
    size_t count = (size_t)PQntuples(result);
    struct db_image_owed *owed = arena_alloc(ask->arena, count * sizeof *owed);
    (void)err;
    for (size_t i = 0; i < count; i++) {
        struct db_row row = {.result = result, .row = (int)i};
        owed[i] = (struct db_image_owed){
            .id = db_row_int64(&row, "id"),
            .is_refinement = db_row_bool(&row, "to_refine"),
            .generation = db_row_int64(&row, "generation"),
            .key = db_row_int64(&row, "api_key"),
            .class = (enum job_class)db_row_int(&row, "class"),
            .age_ms = db_row_int64(&row, "age_ms"),
        };
    }
    *ask->out = owed;
    *ask->count = count;
    return 0;
}

void db_image_list_owed(struct db *db, struct arena *arena, int64_t after_id, int64_t idle_ms, size_t limit,
                        struct db_image_owed **out, size_t *count, done_fn done, void *owner)
{
    static const struct db_statement list = {
        "image_list_owed", "SELECT id, generation, api_key, class, status = 'ready' AS to_refine, "
                           "(extract(epoch FROM clock_timestamp() - changed_at) * 1000)::bigint AS age_ms "
                           "FROM image WHERE id > $1::bigint AND (status IN ('pending', 'processing') "
                           "OR (status = 'ready' AND to_refine)) AND changed_at < clock_timestamp() - "
                           "$2::bigint * interval '1 millisecond' "
                           "ORDER BY id LIMIT $3::bigint"};
    struct db_call *call = db_call_new(db, take_owed, done, owner);
    struct ask_owed *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask_owed){.arena = arena, .out = out, .count = count};
    call->question = ask;
    const char *values[] = {db_call_int(call, after_id), db_call_int(call, idle_ms),
                            db_call_int(call, (int64_t)limit)};
    db_call_add(call, &list, 3, values);
    db_call_start(call);
}

enum { NAMES_MOST = 1000 };

struct ask_names {
    bool *is_named;
    size_t count;
};

static int take_names(struct db_call *call, struct err *err)
{
    const struct ask_names *ask = call->question;
    const PGresult *result = db_call_result(call, 0);
    (void)err;
    for (size_t i = 0; i < ask->count; i++) {
        ask->is_named[i] = false;
    }
    for (int n = 0; n < PQntuples(result); n++) {
        struct db_row row = {.result = result, .row = n};
        int64_t place = db_row_int64(&row, "place");
        assert(place >= 1 && place <= (int64_t)ask->count);
        ask->is_named[place - 1] = true;
    }
    return 0;
}

void db_image_name_check(struct db *db, const char *const *names, size_t count, bool *is_named, done_fn done,
                         void *owner)
{
    static const struct db_statement check = {
        "image_name_check",
        "SELECT n.place FROM unnest($1::text[]) WITH ORDINALITY n (name, place) "
        "WHERE EXISTS (SELECT FROM image i WHERE i.stored_name = n.name) "
        "OR EXISTS (SELECT FROM variant v WHERE v.stored_name = n.name) "
        "OR EXISTS (SELECT FROM tombstone t WHERE t.stored_name = n.name) "
        /* a variant's name holds its original's and its generation (common/image/image_name.h) */
        "OR EXISTS (SELECT FROM regexp_match(n.name, '^products/[^/]+/([0-9]{4}/[0-9]{2}/"
        "[0-9]{2}/[0-9A-Fa-f-]{36})-g([0-9]{1,18})(-[br])?[.]') m, image i "
        "WHERE i.stored_name IN ('products/' || m[1] || '.jpg', 'products/' || m[1] || "
        "'.png', 'products/' || m[1] || '.webp') AND (i.generation < m[2]::bigint "
        "OR (i.generation = m[2]::bigint AND (i.status IN ('pending', 'processing') "
        "OR (i.status = 'ready' AND i.to_refine)))))"};
    assert(count <= NAMES_MOST);
    struct db_call *call = db_call_new(db, take_names, done, owner);
    struct ask_names *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask_names){.is_named = is_named, .count = count};
    call->question = ask;
    struct db_array array;
    db_array_init(&array, call);
    for (size_t i = 0; i < count; i++) {
        /* what is no text can't be in a row, and would spoil the question for the others */
        db_array_add_text(&array, text_is_utf8(names[i], strlen(names[i])) ? names[i] : "");
    }
    db_call_add(call, &check, 1, (const char *[]){db_array_finish(&array)});
    db_call_start(call);
}
