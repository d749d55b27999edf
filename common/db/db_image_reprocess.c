// SPDX-License-Identifier: Apache-2.0
/* Images that are asked for again, and the profiles that they are asked for with. */
#include "common/db/db_call.h"
#include "common/db/db_image.h"
#include "common/db/db_image_row.h"
#include "common/db/db_row.h"

#include <assert.h>

struct ask {
    struct arena *arena;
    struct db_image *out;
    size_t statement; /* whose result has the image */
};

static int take(struct db_call *call, struct err *err)
{
    const struct ask *ask = call->question;
    struct db_image *images = NULL;
    if (db_image_row_take(db_call_result(call, ask->statement), ask->arena, &images) == 0) {
        return err_set(err, ERR_NOT_FOUND, "no such image");
    }
    *ask->out = images[0];
    return 0;
}

static void add_profile(struct db_call *call, const struct db_image_wish *wish)
{
    static const struct db_statement keep = {
        "image_keep_profile", "INSERT INTO profile (identity, json) VALUES ($1, $2) ON CONFLICT DO NOTHING"};
    const char *values[] = {arena_string(call->arena, wish->profile),
                            arena_string(call->arena, wish->profile_json)};
    db_call_add(call, &keep, 2, values);
}

/* Letters are locked before images, here and in db_dead.c, so that the two do not lock each other out. */
void db_image_reprocess(struct db *db, struct arena *arena, const struct db_image_wish *wish,
                        struct db_image *out, done_fn done, void *owner)
{
    static const struct db_statement forget = {"image_forget_letters",
                                               "DELETE FROM dead_letter WHERE image = $1::bigint"};
    static const struct db_statement reprocess = {
        "image_reprocess",
        "WITH i AS ("
        "UPDATE image SET status = 'pending', generation = generation + 1, error = NULL, "
        "error_sentence = NULL, class = $2::smallint, wanted_profile = $3, changed_at = now() "
        "WHERE id = $1::bigint RETURNING *) "
        "SELECT " DB_IMAGE_COLUMNS "FROM i " DB_IMAGE_JOINS "ORDER BY v.place"};
    assert((wish->profile == NULL) == (wish->profile_json == NULL));
    struct db_call *call = db_call_new(db, take, done, owner);
    struct ask *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask){.arena = arena, .out = out};
    call->question = ask;
    if (wish->profile != NULL) {
        add_profile(call, wish);
    }
    const char *values[] = {db_call_int(call, wish->id), db_call_int(call, (int64_t)wish->class),
                            arena_string(call->arena, wish->profile)};
    db_call_add(call, &forget, 1, values);
    ask->statement = call->query_count;
    db_call_add(call, &reprocess, 3, values);
    db_call_start(call);
}

struct ask_profile {
    struct arena *arena;
    const char **json;
};

static int take_profile(struct db_call *call, struct err *err)
{
    const struct ask_profile *ask = call->question;
    struct db_row row = {.result = db_call_result(call, 0), .arena = ask->arena};
    (void)err;
    *ask->json = PQntuples(row.result) > 0 ? db_row_text(&row, "json") : NULL;
    return 0;
}

void db_image_profile(struct db *db, struct arena *arena, const char *identity, const char **json,
                      done_fn done, void *owner)
{
    static const struct db_statement get = {"image_profile", "SELECT json FROM profile WHERE identity = $1"};
    struct db_call *call = db_call_new(db, take_profile, done, owner);
    struct ask_profile *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask_profile){.arena = arena, .json = json};
    call->question = ask;
    db_call_add(call, &get, 1, (const char *[]){arena_string(call->arena, identity)});
    db_call_start(call);
}
