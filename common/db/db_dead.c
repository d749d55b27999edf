// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_dead.h"

#include "common/db/db_call.h"
#include "common/db/db_image_row.h"
#include "common/db/db_row.h"

/* The filter as $1 to $4: each is NULL where it does not count. */
enum { FILTER_VALUES = 4 };

#define FILTER                                                                                               \
    "($1::text IS NULL OR reason = $1) AND ($2::timestamptz IS NULL OR buried_at < $2) "                     \
    "AND ($3::timestamptz IS NULL OR buried_at > $3) AND ($4::bigint[] IS NULL OR id = ANY ($4)) "

static void filter_values(struct db_call *call, const struct db_dead_filter *filter,
                          const char *values[FILTER_VALUES])
{
    values[0] = arena_string(call->arena, filter->reason);
    values[1] = arena_string(call->arena, filter->buried_before);
    values[2] = arena_string(call->arena, filter->buried_after);
    values[3] = NULL;
    if (filter->id_count > 0) {
        struct db_array ids;
        db_array_init(&ids, call);
        for (size_t i = 0; i < filter->id_count; i++) {
            db_array_add_int(&ids, filter->ids[i]);
        }
        values[3] = db_array_finish(&ids);
    }
}

struct ask_list {
    struct arena *arena;
    struct db_dead **out;
    size_t *count;
};

static int take_list(struct db_call *call, struct err *err)
{
    const struct ask_list *ask = call->question;
    const PGresult *result = db_call_result(call, 0);
    size_t count = (size_t)PQntuples(result);
    struct db_dead *letters = arena_alloc(ask->arena, count * sizeof *letters);
    (void)err;
    for (size_t i = 0; i < count; i++) {
        struct db_row row = {.result = result, .row = (int)i, .arena = ask->arena};
        letters[i] = (struct db_dead){
            .id = db_row_int64(&row, "id"),
            .job = db_row_text(&row, "job"),
            .image = db_row_int64(&row, "image"),
            .generation = db_row_int64(&row, "generation"),
            .reason = db_row_text(&row, "reason"),
            .sentence = db_row_text(&row, "sentence"),
            .attempts = db_row_int(&row, "attempts"),
            .crashes = db_row_int(&row, "crashes"),
            .enqueued_at = db_row_text(&row, "enqueued_at"),
            .buried_at = db_row_text(&row, "buried_at"),
        };
    }
    *ask->out = letters;
    *ask->count = count;
    return 0;
}

/* A page, cut in its direction, then put in the order of the ids. */
#define LIST_STATEMENT(where, direction)                                                                     \
    "SELECT id, job, image, generation, reason, sentence, attempts, crashes, " DB_UTC(                       \
        "enqueued_at") " AS enqueued_at, " DB_UTC("buried_at") " AS buried_at FROM (SELECT * FROM "          \
                                                               "dead_letter WHERE " FILTER where             \
                                                               "ORDER BY id " direction                      \
                                                               " LIMIT $5::bigint) page ORDER BY id"

void db_dead_list(struct db *db, struct arena *arena, const struct db_dead_page *page, struct db_dead **out,
                  size_t *count, done_fn done, void *owner)
{
    static const struct db_statement after = {"dead_list", LIST_STATEMENT("AND id > $6::bigint ", "ASC")};
    static const struct db_statement before = {"dead_list_before",
                                               LIST_STATEMENT("AND ($6::bigint = 0 OR id < $6) ", "DESC")};
    struct db_call *call = db_call_new(db, take_list, done, owner);
    struct ask_list *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask_list){.arena = arena, .out = out, .count = count};
    call->question = ask;
    const char *values[FILTER_VALUES + 2];
    filter_values(call, &page->filter, values);
    values[FILTER_VALUES] = db_call_int(call, (int64_t)page->limit);
    values[FILTER_VALUES + 1] = db_call_int(call, page->place);
    db_call_add(call, page->is_backward ? &before : &after, FILTER_VALUES + 2, values);
    db_call_start(call);
}

struct ask_retry {
    struct db_dead_retried *out;
    size_t *count;
    size_t *taken;
};

/* A row a letter; those of images that are owed again have an id. */
static int take_retried(struct db_call *call, struct err *err)
{
    const struct ask_retry *ask = call->question;
    const PGresult *result = db_call_result(call, 0);
    size_t count = 0;
    (void)err;
    for (int n = 0; n < PQntuples(result); n++) {
        struct db_row row = {.result = result, .row = n};
        if (!db_row_is_null(&row, "id")) {
            ask->out[count++] = (struct db_dead_retried){.image = db_row_int64(&row, "id"),
                                                         .generation = db_row_int64(&row, "generation"),
                                                         .key = db_row_int64(&row, "api_key"),
                                                         .class = (enum job_class)db_row_int(&row, "class")};
        }
    }
    *ask->count = count;
    *ask->taken = (size_t)PQntuples(result);
    return 0;
}

/*
 * Letters first, and none that somebody else is about to take; then their images, in the order of their ids as everybody locks them.
 * Live uploads go before what an operator asks for in bulk, so no image comes back more urgent than normal. The letter of a refinement
 * has a ready image, which is owed its refinement again: reconcilers push it.
 */
void db_dead_retry(struct db *db, const struct db_dead_filter *filter, struct db_dead_retried *out,
                   size_t *count, size_t *taken, done_fn done, void *owner)
{
    static const struct db_statement retry = {
        "dead_retry",
        "WITH wanted AS ("
        "SELECT id FROM dead_letter WHERE " FILTER "ORDER BY id LIMIT $5::bigint FOR UPDATE SKIP LOCKED), "
        "taken AS ("
        "DELETE FROM dead_letter USING wanted WHERE dead_letter.id = wanted.id "
        "RETURNING dead_letter.id, dead_letter.image, dead_letter.generation), "
        "locked AS ("
        "SELECT i.id FROM image i WHERE i.id IN (SELECT image FROM taken) ORDER BY i.id FOR NO KEY UPDATE), "
        "again AS ("
        "UPDATE image SET status = 'pending', generation = image.generation + 1, error = NULL, "
        "error_sentence = NULL, class = greatest(image.class, 1), changed_at = now() "
        "FROM locked WHERE image.id = locked.id AND image.status = 'failed' "
        "RETURNING image.id, image.generation, image.api_key, image.class), "
        "refine AS ("
        "UPDATE image SET to_refine = true, changed_at = now() FROM locked JOIN taken ON taken.image = "
        "locked.id WHERE image.id = locked.id AND image.status = 'ready' "
        "AND image.generation = taken.generation) "
        "SELECT again.id, again.generation, again.api_key, again.class FROM taken "
        "LEFT JOIN again ON again.id = taken.image ORDER BY again.id"};
    struct db_call *call = db_call_new(db, take_retried, done, owner);
    struct ask_retry *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask_retry){.out = out, .count = count, .taken = taken};
    call->question = ask;
    const char *values[FILTER_VALUES + 1];
    filter_values(call, filter, values);
    values[FILTER_VALUES] = db_call_int(call, DB_DEAD_PORTION);
    db_call_add(call, &retry, FILTER_VALUES + 1, values);
    db_call_start(call);
}

static int take_dropped(struct db_call *call, struct err *err)
{
    size_t *dropped = call->question;
    (void)err;
    *dropped = (size_t)PQntuples(db_call_result(call, 0));
    return 0;
}

void db_dead_drop(struct db *db, const struct db_dead_filter *filter, size_t *dropped, done_fn done,
                  void *owner)
{
    static const struct db_statement drop = {
        "dead_drop",
        "WITH wanted AS ("
        "SELECT id FROM dead_letter WHERE " FILTER "ORDER BY id LIMIT $5::bigint FOR UPDATE SKIP LOCKED) "
        "DELETE FROM dead_letter USING wanted WHERE dead_letter.id = wanted.id RETURNING dead_letter.id"};
    struct db_call *call = db_call_new(db, take_dropped, done, owner);
    const char *values[FILTER_VALUES + 1];
    call->question = dropped;
    filter_values(call, filter, values);
    values[FILTER_VALUES] = db_call_int(call, DB_DEAD_PORTION);
    db_call_add(call, &drop, FILTER_VALUES + 1, values);
    db_call_start(call);
}

void db_dead_note(struct db *db, const char *job, const char *reason, const char *sentence, done_fn done,
                  void *owner)
{
    static const struct db_statement note = {
        "dead_note", "INSERT INTO dead_letter (job, reason, sentence) VALUES ($1, $2, $3) "
                     "ON CONFLICT (job) DO UPDATE SET reason = EXCLUDED.reason, "
                     "sentence = EXCLUDED.sentence, buried_at = now()"};
    struct db_call *call = db_call_new(db, NULL, done, owner);
    const char *values[] = {arena_string(call->arena, job), arena_string(call->arena, reason),
                            arena_string(call->arena, sentence)};
    db_call_add(call, &note, 3, values);
    db_call_start(call);
}

static int take_count(struct db_call *call, struct err *err)
{
    int64_t *count = call->question;
    struct db_row row = {.result = db_call_result(call, 0)};
    (void)err;
    *count = db_row_int64(&row, "count");
    return 0;
}

void db_dead_count(struct db *db, int64_t *count, done_fn done, void *owner)
{
    static const struct db_statement ask = {"dead_count", "SELECT count(*) AS count FROM dead_letter"};
    struct db_call *call = db_call_new(db, take_count, done, owner);
    call->question = count;
    db_call_add(call, &ask, 0, NULL);
    db_call_start(call);
}
