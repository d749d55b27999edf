// SPDX-License-Identifier: Apache-2.0
/*
 * What workers tell of images. Every change names the generation that it is for, and a status from which it may be made, in
 * its WHERE: whoever comes second, or late, changes no row and learns so.
 */
#include "common/db/db_call.h"
#include "common/db/db_image.h"
#include "common/db/db_row.h"

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
    };
    return 0;
}

void db_image_begin(struct db *db, struct arena *arena, int64_t id, int64_t generation,
                    struct db_image_work *out, done_fn done, void *owner)
{
    static const struct db_statement begin = {
        "image_begin",
        "UPDATE image SET status = 'processing', attempts = attempts + 1, changed_at = now() "
        "WHERE id = $1::bigint AND generation = $2::bigint AND status IN ('pending', 'processing') "
        "RETURNING stored_name, format, bytes, attempts"};
    struct db_call *call = db_call_new(db, take_begin, done, owner);
    struct ask_begin *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask_begin){.arena = arena, .out = out};
    call->question = ask;
    db_call_add(call, &begin, 2, (const char *[]){db_call_int(call, id), db_call_int(call, generation)});
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

/* the columns of the variants, as one array parameter each */
struct columns {
    struct db_array name;
    struct db_array stored_name;
    struct db_array format;
    struct db_array width_px;
    struct db_array height_px;
    struct db_array bytes;
};

static void columns_init(struct columns *columns, struct db_call *call, const struct db_image_result *result)
{
    db_array_init(&columns->name, call);
    db_array_init(&columns->stored_name, call);
    db_array_init(&columns->format, call);
    db_array_init(&columns->width_px, call);
    db_array_init(&columns->height_px, call);
    db_array_init(&columns->bytes, call);
    for (size_t i = 0; i < result->variant_count; i++) {
        const struct db_variant *variant = &result->variants[i];
        db_array_add_text(&columns->name, variant->name);
        db_array_add_text(&columns->stored_name, variant->stored_name);
        db_array_add_text(&columns->format, image_format_word(variant->format));
        db_array_add_int(&columns->width_px, variant->width_px);
        db_array_add_int(&columns->height_px, variant->height_px);
        db_array_add_int(&columns->bytes, variant->bytes);
    }
}

/* What statements about a result begin with: its variants as rows. $1 and $2 are the image and the generation. */
#define WITH_MADE                                                                                            \
    "WITH made AS ("                                                                                         \
    "SELECT * FROM unnest($5::text[], $6::text[], $7::text[], $8::integer[], $9::integer[], $10::bigint[]) " \
    "WITH ORDINALITY AS m (name, stored_name, format, width_px, height_px, bytes, place)), "

#define INSERT_VARIANTS(of)                                                                                  \
    "INSERT INTO variant (image, name, place, stored_name, format, width_px, height_px, bytes, generation) " \
    "SELECT " of ".id, m.name, m.place, m.stored_name, m.format, m.width_px, m.height_px, m.bytes, "         \
    "$2::bigint FROM " of " CROSS JOIN made m "

enum { RESULT_VALUES = 10 };

/* Fills $1 to $10: image, generation, width, height, and the variants. */
static void result_values(struct db_call *call, const struct db_image_result *result,
                          const char *values[RESULT_VALUES])
{
    struct columns columns;
    columns_init(&columns, call, result);
    values[0] = db_call_int(call, result->id);
    values[1] = db_call_int(call, result->generation);
    values[2] = db_call_int(call, result->width_px);
    values[3] = db_call_int(call, result->height_px);
    values[4] = db_array_finish(&columns.name);
    values[5] = db_array_finish(&columns.stored_name);
    values[6] = db_array_finish(&columns.format);
    values[7] = db_array_finish(&columns.width_px);
    values[8] = db_array_finish(&columns.height_px);
    values[9] = db_array_finish(&columns.bytes);
}

/* What the row has under a name stays until the switch, of whatever generation it is. */
static const struct db_statement show_statement = {
    "image_show",
    WITH_MADE "shown AS ("
              "UPDATE image SET width_px = $3::integer, height_px = $4::integer "
              "WHERE id = $1::bigint AND generation = $2::bigint AND status = 'processing' RETURNING id), "
              "kept AS (" INSERT_VARIANTS("shown") "ON CONFLICT DO NOTHING) "
                                                   "SELECT id FROM shown"};

void db_image_show(struct db *db, const struct db_image_result *result, bool *is_current, done_fn done,
                   void *owner)
{
    struct db_call *call = change_new(db, is_current, done, owner);
    const char *values[RESULT_VALUES];
    result_values(call, result, values);
    db_call_add(call, &show_statement, RESULT_VALUES, values);
    db_call_start(call);
}

/*
 * The switch is one statement: its parts see the rows as they were before it, so `replaced` are the old names, and the update
 * of the image's row, which others wait for, decides about all of it.
 */
static const struct db_statement ready_switch = {
    "image_ready", WITH_MADE
    "switched AS ("
    "UPDATE image SET status = 'ready', width_px = $3::integer, height_px = $4::integer, profile = $11, "
    "blurhash = $12, "
    "dominant_colour = $13, to_refine = $14::boolean, "
    "processed_at = now(), changed_at = now() "
    "WHERE id = $1::bigint AND generation = $2::bigint AND status IN ('pending', 'processing') RETURNING "
    "id), "
    "replaced AS ("
    "SELECT v.name, v.stored_name FROM switched JOIN variant v ON v.image = switched.id "
    "WHERE v.stored_name NOT IN (SELECT stored_name FROM made)), "
    "dropped AS ("
    "DELETE FROM variant USING switched WHERE variant.image = switched.id "
    "AND variant.name NOT IN (SELECT name FROM made)), "
    "kept AS (" INSERT_VARIANTS("switched") "ON CONFLICT (image, name) DO UPDATE SET place = EXCLUDED.place, "
                                            "stored_name = EXCLUDED.stored_name, "
                                            "format = EXCLUDED.format, width_px = EXCLUDED.width_px, "
                                            "height_px = EXCLUDED.height_px, bytes = "
                                            "EXCLUDED.bytes, generation = EXCLUDED.generation), "
                                            "buried AS ("
                                            "INSERT INTO tombstone (stored_name) SELECT stored_name FROM "
                                            "replaced ON CONFLICT DO NOTHING) "
                                            "SELECT id FROM switched"};

/*
 * Names of files that were made in vain. A statement of its own, so that it sees the rows as they are after a concurrent
 * switch: where that one was for the same generation, it has the same names, and they stay.
 */
static const struct db_statement ready_unused = {
    "image_ready_unused", "INSERT INTO tombstone (stored_name) SELECT made.stored_name FROM "
                          "unnest($1::text[]) AS made (stored_name) "
                          "WHERE NOT EXISTS (SELECT FROM variant v WHERE v.stored_name = made.stored_name) "
                          "ON CONFLICT DO NOTHING"};

/* As the switch to ready, but the row stays ready, and variants that are not in the result stay. */
static const struct db_statement refined_switch = {
    "image_refined", WITH_MADE
    "refined AS ("
    "UPDATE image SET to_refine = false, changed_at = now(), width_px = coalesce(width_px, $3::integer), "
    "height_px = coalesce(height_px, $4::integer) "
    "WHERE id = $1::bigint AND generation = $2::bigint AND status = 'ready' AND to_refine RETURNING id), "
    "replaced AS ("
    "SELECT v.stored_name FROM refined JOIN variant v ON v.image = refined.id JOIN made m ON m.name = v.name "
    "WHERE v.stored_name <> m.stored_name), "
    "kept AS ("
    "UPDATE variant SET stored_name = m.stored_name, format = m.format, width_px = m.width_px, height_px = "
    "m.height_px, bytes = m.bytes, generation = $2::bigint FROM refined CROSS JOIN made m "
    "WHERE variant.image = refined.id AND variant.name = m.name), "
    "buried AS ("
    "INSERT INTO tombstone (stored_name) SELECT stored_name FROM replaced ON CONFLICT DO NOTHING) "
    "SELECT id FROM refined"};

/* The names of the result and those of earlier attempts: what no row refers to after the switch is nobody's. */
static void add_unused(struct db_call *call, const struct db_image_result *result)
{
    struct db_array names;
    db_array_init(&names, call);
    for (size_t i = 0; i < result->variant_count; i++) {
        db_array_add_text(&names, result->variants[i].stored_name);
    }
    for (size_t i = 0; i < result->unused_count; i++) {
        db_array_add_text(&names, result->unused[i]);
    }
    const char *value = db_array_finish(&names);
    db_call_add(call, &ready_unused, 1, &value);
}

void db_image_ready(struct db *db, const struct db_image_result *result, bool *is_current, done_fn done,
                    void *owner)
{
    struct db_call *call = change_new(db, is_current, done, owner);
    const char *values[RESULT_VALUES + 4];
    result_values(call, result, values);
    values[RESULT_VALUES] = arena_string(call->arena, result->profile);
    values[RESULT_VALUES + 1] = arena_string(call->arena, result->blurhash);
    values[RESULT_VALUES + 2] = arena_string(call->arena, result->dominant_colour);
    values[RESULT_VALUES + 3] = db_call_bool(result->to_refine);
    db_call_add(call, &ready_switch, sizeof values / sizeof values[0], values);
    add_unused(call, result);
    db_call_start(call);
}

void db_image_refined(struct db *db, const struct db_image_result *result, bool *is_current, done_fn done,
                      void *owner)
{
    struct db_call *call = change_new(db, is_current, done, owner);
    const char *values[RESULT_VALUES];
    result_values(call, result, values);
    db_call_add(call, &refined_switch, RESULT_VALUES, values);
    add_unused(call, result);
    db_call_start(call);
}

void db_image_failed(struct db *db, int64_t id, int64_t generation, enum err_code code, const char *sentence,
                     bool *is_current, done_fn done, void *owner)
{
    static const struct db_statement failed = {
        "image_failed",
        "WITH failed AS ("
        "UPDATE image SET status = 'failed', error = $3, error_sentence = $4, changed_at = now() "
        "WHERE id = $1::bigint AND generation = $2::bigint AND status IN ('pending', 'processing') "
        "RETURNING id), "
        "dropped AS ("
        "DELETE FROM variant USING failed WHERE variant.image = failed.id AND variant.generation = "
        "$2::bigint RETURNING stored_name), "
        "buried AS ("
        "INSERT INTO tombstone (stored_name) SELECT stored_name FROM dropped ON CONFLICT DO NOTHING) "
        "SELECT id FROM failed"};
    struct db_call *call = change_new(db, is_current, done, owner);
    const char *values[] = {
        db_call_int(call, id),
        db_call_int(call, generation),
        err_word(code),
        arena_string(call->arena, sentence),
    };
    db_call_add(call, &failed, sizeof values / sizeof values[0], values);
    db_call_start(call);
}

void db_image_again(struct db *db, int64_t id, int64_t generation, bool *is_current, done_fn done,
                    void *owner)
{
    static const struct db_statement again = {
        "image_again",
        "UPDATE image SET status = 'pending', changed_at = now() "
        "WHERE id = $1::bigint AND generation = $2::bigint AND status = 'processing' RETURNING id"};
    struct db_call *call = change_new(db, is_current, done, owner);
    db_call_add(call, &again, 2, (const char *[]){db_call_int(call, id), db_call_int(call, generation)});
    db_call_start(call);
}

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
        "image_list_owed", "SELECT id, generation, api_key, status = 'ready' AS to_refine, "
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
