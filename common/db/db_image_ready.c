// SPDX-License-Identifier: Apache-2.0
/*
 * The switch of rows to what was made of them. It is guarded by generation and status alone, not by the fence of a lease: whoever
 * makes the same generation makes the same bytes under the same names, so the first who has them may say so.
 */
#include "common/db/db_call.h"
#include "common/db/db_image.h"
#include "common/db/db_image_made.h"
#include "common/db/db_row.h"

#include <assert.h>

/*
 * In the order of their ids, so that two groups which have images in common wait for each other and do not lock each other
 * out. A statement of its own: the next one sees what those who held the locks have committed.
 */
static const struct db_statement ready_lock = {
    "image_ready_lock", "SELECT id FROM image WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"};

/*
 * The switch is one statement: its parts see the rows as they were before it, so `replaced` are the old names, and the update
 * of the images' rows decides about all of it.
 */
static const struct db_statement ready_switch = {
    "image_ready", DB_WITH_MADE
    "wanted AS ("
    "SELECT * FROM unnest($9::bigint[], $10::bigint[], $11::integer[], $12::integer[], $13::text[], "
    "$14::text[], $15::text[], $16::boolean[]) "
    "AS w (id, generation, width_px, height_px, profile, blurhash, dominant_colour, to_refine)), "
    "switched AS ("
    "UPDATE image SET status = 'ready', width_px = w.width_px, height_px = w.height_px, profile = w.profile, "
    "blurhash = w.blurhash, dominant_colour = w.dominant_colour, to_refine = w.to_refine, "
    "processed_at = now(), changed_at = now() "
    "FROM wanted w WHERE image.id = w.id AND image.generation = w.generation "
    "AND image.status IN ('pending', 'processing') RETURNING image.id, image.generation), "
    "replaced AS ("
    "SELECT v.stored_name FROM switched JOIN variant v ON v.image = switched.id "
    "WHERE NOT EXISTS (SELECT FROM made m WHERE m.stored_name = v.stored_name)), "
    "dropped AS ("
    "DELETE FROM variant USING switched WHERE variant.image = switched.id "
    "AND NOT EXISTS (SELECT FROM made m WHERE m.image = variant.image AND m.name = variant.name)), "
    "kept AS (" DB_INSERT_MADE(
        "switched") "ON CONFLICT (image, name) DO UPDATE SET place = EXCLUDED.place, stored_name = "
                    "EXCLUDED.stored_name, "
                    "format = EXCLUDED.format, width_px = EXCLUDED.width_px, height_px = EXCLUDED.height_px, "
                    "bytes = EXCLUDED.bytes, generation = EXCLUDED.generation), "
                    "buried AS ("
                    "INSERT INTO tombstone (stored_name) SELECT stored_name FROM replaced ON CONFLICT DO "
                    "NOTHING) "
                    "SELECT id FROM switched"};

enum { READY_VALUES = DB_MADE_VALUES + 8, READY_SWITCH = 1 /* its place among the statements */ };

struct ask_ready {
    size_t count;
    const int64_t *ids;
    bool *is_current;
};

static int take_ready(struct db_call *call, struct err *err)
{
    const struct ask_ready *ask = call->question;
    const PGresult *result = db_call_result(call, READY_SWITCH);
    (void)err;
    for (size_t i = 0; i < ask->count; i++) {
        ask->is_current[i] = false;
    }
    for (int n = 0; n < PQntuples(result); n++) {
        struct db_row row = {.result = result, .row = n};
        int64_t id = db_row_int64(&row, "id");
        for (size_t i = 0; i < ask->count; i++) {
            ask->is_current[i] = ask->is_current[i] || ask->ids[i] == id;
        }
    }
    return 0;
}

/* Fills what comes after the variants: the images, an array a column. */
static void wanted_values(struct db_call *call, const struct db_image_result *const *results, size_t count,
                          const char *values[READY_VALUES - DB_MADE_VALUES])
{
    struct db_array columns[READY_VALUES - DB_MADE_VALUES];
    for (size_t i = 0; i < READY_VALUES - DB_MADE_VALUES; i++) {
        db_array_init(&columns[i], call);
    }
    for (size_t i = 0; i < count; i++) {
        const struct db_image_result *result = results[i];
        db_array_add_int(&columns[0], result->id);
        db_array_add_int(&columns[1], result->generation);
        db_array_add_int(&columns[2], result->width_px);
        db_array_add_int(&columns[3], result->height_px);
        db_array_add_text(&columns[4], result->profile);
        db_array_add_text(&columns[5], result->blurhash);
        db_array_add_text(&columns[6], result->dominant_colour);
        db_array_add_text(&columns[7], db_call_bool(result->to_refine));
    }
    for (size_t i = 0; i < READY_VALUES - DB_MADE_VALUES; i++) {
        values[i] = db_array_finish(&columns[i]);
    }
}

void db_image_ready_many(struct db *db, const struct db_image_result *const *results, size_t count,
                         bool *is_current, done_fn done, void *owner)
{
    assert(count > 0 && count <= DB_IMAGE_READY_MAX);
    struct db_call *call = db_call_new(db, take_ready, done, owner);
    struct ask_ready *ask = arena_alloc(call->arena, sizeof *ask);
    int64_t *ids = arena_alloc(call->arena, count * sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        ids[i] = results[i]->id;
    }
    *ask = (struct ask_ready){.count = count, .ids = ids, .is_current = is_current};
    call->question = ask;
    const char *values[READY_VALUES];
    db_image_made_values(call, results, count, values);
    wanted_values(call, results, count, values + DB_MADE_VALUES);
    db_call_add(call, &ready_lock, 1, &values[DB_MADE_VALUES]);
    db_call_add(call, &ready_switch, READY_VALUES, values);
    db_image_made_add_unused(call, results, count);
    db_call_start(call);
}

void db_image_ready(struct db *db, const struct db_image_result *result, bool *is_current, done_fn done,
                    void *owner)
{
    db_image_ready_many(db, &result, 1, is_current, done, owner);
}
