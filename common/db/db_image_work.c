// SPDX-License-Identifier: Apache-2.0
/*
 * What workers tell of images. Every change names the generation that it is for, and a status from which it may be made, in
 * its WHERE: whoever comes second, or late, changes no row and learns so.
 */
#include "common/db/db_call.h"
#include "common/db/db_image.h"
#include "common/db/db_image_made.h"
#include "common/db/db_row.h"

/*
 * In the result of a change that need not outlast a crash of the server: that its commit does not wait for the disk. It is evaluated
 * where a row was changed, and holds until the end of the transaction, so for its own commit and no other. A row that a crash
 * has put back from `processing` to `pending`, or the other way, is owed as much, and whoever works on it makes the same; what was
 * shown early and is forgotten is told again by the switch. None of it can be lost once the switch is there: that waits for the disk,
 * and what was written before it is on the disk before it.
 */
#define NEED_NOT_LAST "set_config('synchronous_commit', 'off', true)"

struct ask_begin {
    struct arena *arena;
    struct db_image_work *out;
};

static int take_begin(struct db_call *call, struct err *err)
{
    const struct ask_begin *ask = call->question;
    struct db_row row = {.result = db_call_result(call, 0), .arena = ask->arena};
    (void)err;
    if (PQntuples(row.result) == 0) {
        ask->out->is_owed = false;
        return 0;
    }
    *ask->out = (struct db_image_work){
        .is_owed = true,
        .stored_name = db_row_text(&row, "stored_name"),
        .format = db_row_format(&row, "format"),
        .bytes = db_row_int64(&row, "bytes"),
        .attempts = db_row_int(&row, "attempts"),
        .profile_json = db_row_text(&row, "profile_json"),
    };
    return 0;
}

void db_image_begin(struct db *db, struct arena *arena, int64_t id, int64_t generation, uint64_t fence,
                    struct db_image_work *out, done_fn done, void *owner)
{
    static const struct db_statement begin = {
        "image_begin",
        "UPDATE image SET status = 'processing', attempts = attempts + 1, fence = $3::bigint, "
        "changed_at = now() "
        "WHERE id = $1::bigint AND generation = $2::bigint AND status IN ('pending', 'processing') "
        "RETURNING stored_name, format, bytes, attempts, "
        "(SELECT json FROM profile WHERE identity = wanted_profile) AS profile_json, " NEED_NOT_LAST};
    struct db_call *call = db_call_new(db, take_begin, done, owner);
    struct ask_begin *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask_begin){.arena = arena, .out = out};
    call->question = ask;
    const char *values[] = {db_call_int(call, id), db_call_int(call, generation),
                            db_call_int(call, (int64_t)fence)};
    db_call_add(call, &begin, 3, values);
    db_call_start(call);
}

/* For statements that return the id of the image where they changed it. */
static int take_is_current(struct db_call *call, struct err *err)
{
    bool *is_current = call->question;
    (void)err;
    *is_current = PQntuples(db_call_result(call, 0)) > 0;
    return 0;
}

static struct db_call *change_new(struct db *db, bool *is_current, done_fn done, void *owner)
{
    struct db_call *call = db_call_new(db, take_is_current, done, owner);
    call->question = is_current;
    return call;
}

enum { RESULT_VALUES = DB_MADE_VALUES + 4 };

/* Fills $1 to $12: the variants of a result, its image, generation, width and height. */
static void result_values(struct db_call *call, const struct db_image_result *result,
                          const char *values[RESULT_VALUES])
{
    db_image_made_values(call, &result, 1, values);
    values[DB_MADE_VALUES] = db_call_int(call, result->id);
    values[DB_MADE_VALUES + 1] = db_call_int(call, result->generation);
    values[DB_MADE_VALUES + 2] = db_call_int(call, result->width_px);
    values[DB_MADE_VALUES + 3] = db_call_int(call, result->height_px);
}

/* What the row has under a name stays until the switch, of whatever generation it is. */
static const struct db_statement show_statement = {
    "image_show",
    DB_WITH_MADE "shown AS ("
                 "UPDATE image SET width_px = $11::integer, height_px = $12::integer "
                 "WHERE id = $9::bigint AND generation = $10::bigint AND status = 'processing' RETURNING id, "
                 "generation), "
                 "kept AS (" DB_INSERT_MADE("shown") "ON CONFLICT DO NOTHING) "
                                                     "SELECT id, " NEED_NOT_LAST " FROM shown"};

void db_image_show(struct db *db, const struct db_image_result *result, bool *is_current, done_fn done,
                   void *owner)
{
    struct db_call *call = change_new(db, is_current, done, owner);
    const char *values[RESULT_VALUES];
    result_values(call, result, values);
    db_call_add(call, &show_statement, RESULT_VALUES, values);
    db_call_start(call);
}

/* As the switch to ready, but the row stays ready, and variants that are not in the result stay. */
static const struct db_statement refined_switch = {
    "image_refined", DB_WITH_MADE
    "refined AS ("
    "UPDATE image SET to_refine = false, changed_at = now(), width_px = coalesce(width_px, $11::integer), "
    "height_px = coalesce(height_px, $12::integer) "
    "WHERE id = $9::bigint AND generation = $10::bigint AND status = 'ready' AND to_refine RETURNING id), "
    "replaced AS ("
    "SELECT v.stored_name FROM refined JOIN variant v ON v.image = refined.id JOIN made m ON m.name = v.name "
    "WHERE v.stored_name <> m.stored_name), "
    "kept AS ("
    "UPDATE variant SET stored_name = m.stored_name, format = m.format, width_px = m.width_px, height_px = "
    "m.height_px, bytes = m.bytes, generation = $10::bigint FROM refined CROSS JOIN made m "
    "WHERE variant.image = refined.id AND variant.name = m.name), "
    "buried AS ("
    "INSERT INTO tombstone (stored_name) SELECT stored_name FROM replaced ON CONFLICT DO NOTHING) "
    "SELECT id FROM refined"};

void db_image_refined(struct db *db, const struct db_image_result *result, bool *is_current, done_fn done,
                      void *owner)
{
    struct db_call *call = change_new(db, is_current, done, owner);
    const char *values[RESULT_VALUES];
    result_values(call, result, values);
    db_call_add(call, &refined_switch, RESULT_VALUES, values);
    db_image_made_add_unused(call, &result, 1);
    db_call_start(call);
}

/* The values of a failure: $1 to $9. */
enum { FAILURE_VALUES = 9 };

static void failure_values(struct db_call *call, const struct db_image_failure *failure,
                           const char *values[FAILURE_VALUES])
{
    const struct job *job = failure->job;
    char name[JOB_ID_BYTES];
    job_id(job, name);
    values[0] = db_call_int(call, job->image);
    values[1] = db_call_int(call, job->generation);
    values[2] = err_word(failure->code);
    values[3] = arena_string(call->arena, failure->sentence);
    values[4] = db_call_bool(failure->is_buried);
    values[5] = arena_string(call->arena, name);
    values[6] = db_call_int(call, job->attempt);
    values[7] = db_call_int(call, job->crashes);
    values[8] = job->enqueued_at_ms > 0 ? db_call_int(call, job->enqueued_at_ms) : NULL;
}

/* The letter of an image (id) that `of` has, where one is wanted. */
#define INSERT_LETTER(of)                                                                                    \
    "INSERT INTO dead_letter (job, image, generation, reason, sentence, attempts, crashes, enqueued_at) "    \
    "SELECT $6::text, " of ".id, $2::bigint, $3::text, $4::text, $7::integer, $8::integer, "                 \
    "to_timestamp($9::bigint / 1000.0) FROM " of " WHERE $5::boolean "                                       \
    "ON CONFLICT (job) DO UPDATE SET reason = EXCLUDED.reason, sentence = EXCLUDED.sentence, "               \
    "attempts = EXCLUDED.attempts, crashes = EXCLUDED.crashes, image = EXCLUDED.image, "                     \
    "generation = EXCLUDED.generation, enqueued_at = EXCLUDED.enqueued_at, buried_at = now()"

void db_image_failed(struct db *db, const struct db_image_failure *failure, bool *is_current, done_fn done,
                     void *owner)
{
    static const struct db_statement failed = {
        "image_failed",
        "WITH failed AS ("
        "UPDATE image SET status = 'failed', error = $3::text, error_sentence = $4::text, changed_at = now() "
        "WHERE id = $1::bigint AND generation = $2::bigint AND fence = $10::bigint "
        "AND status IN ('pending', 'processing') RETURNING id), "
        "dropped AS ("
        "DELETE FROM variant USING failed WHERE variant.image = failed.id AND variant.generation = "
        "$2::bigint RETURNING stored_name), "
        "buried AS ("
        "INSERT INTO tombstone (stored_name) SELECT stored_name FROM dropped ON CONFLICT DO NOTHING), "
        "letter AS (" INSERT_LETTER("failed") ") SELECT id FROM failed"};
    struct db_call *call = change_new(db, is_current, done, owner);
    const char *values[FAILURE_VALUES + 1];
    failure_values(call, failure, values);
    values[FAILURE_VALUES] = db_call_int(call, (int64_t)failure->fence);
    db_call_add(call, &failed, FAILURE_VALUES + 1, values);
    db_call_start(call);
}

void db_image_unrefined(struct db *db, const struct db_image_failure *failure, bool *is_current, done_fn done,
                        void *owner)
{
    static const struct db_statement unrefined = {
        "image_unrefined",
        "WITH unrefined AS ("
        "UPDATE image SET to_refine = false, changed_at = now() "
        "WHERE id = $1::bigint AND generation = $2::bigint AND status = 'ready' AND to_refine "
        "RETURNING id), "
        "letter AS (" INSERT_LETTER("unrefined") ") SELECT id FROM unrefined"};
    struct db_call *call = change_new(db, is_current, done, owner);
    const char *values[FAILURE_VALUES];
    failure_values(call, failure, values);
    db_call_add(call, &unrefined, FAILURE_VALUES, values);
    db_call_start(call);
}

void db_image_again(struct db *db, int64_t id, int64_t generation, uint64_t fence, bool *is_current,
                    done_fn done, void *owner)
{
    static const struct db_statement again = {
        "image_again", "UPDATE image SET status = 'pending', changed_at = now() "
                       "WHERE id = $1::bigint AND generation = $2::bigint AND fence = $3::bigint "
                       "AND status = 'processing' RETURNING id, " NEED_NOT_LAST};
    struct db_call *call = change_new(db, is_current, done, owner);
    const char *values[] = {db_call_int(call, id), db_call_int(call, generation),
                            db_call_int(call, (int64_t)fence)};
    db_call_add(call, &again, 3, values);
    db_call_start(call);
}
