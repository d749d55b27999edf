// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_image.h"

#include "common/db/db_call.h"
#include "common/db/db_image_row.h"

struct ask_one {
    struct arena *arena;
    struct db_image *out;
    size_t statement; /* whose result has the image */
};

static int take_one(struct db_call *call, struct err *err)
{
    const struct ask_one *ask = call->question;
    struct db_image *images = NULL;
    if (db_image_row_take(db_call_result(call, ask->statement), ask->arena, &images) == 0) {
        return err_set(err, ERR_NOT_FOUND, "no such image or product");
    }
    *ask->out = images[0];
    return 0;
}

static struct ask_one *ask_one(struct db_call *call, struct arena *arena, struct db_image *out)
{
    struct ask_one *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask_one){.arena = arena, .out = out};
    call->question = ask;
    return ask;
}

/*
 * Takes the mark from the present primary. The product is locked first, by a statement of its own: the next statement then
 * sees what a concurrent call that held the lock has committed, so two calls can't both find nothing to unmark.
 */
static void add_unmark(struct db_call *call, const char *slug)
{
    static const struct db_statement lock = {"image_lock_product",
                                             "SELECT id FROM product WHERE slug = $1 FOR NO KEY UPDATE"};
    static const struct db_statement unmark = {
        "image_unmark", "UPDATE image SET is_primary = false "
                        "WHERE is_primary AND product = (SELECT id FROM product WHERE slug = $1)"};
    db_call_add(call, &lock, 1, &slug);
    db_call_add(call, &unmark, 1, &slug);
}

void db_image_insert(struct db *db, struct arena *arena, const struct db_image_new *wanted,
                     struct db_image *out, done_fn done, void *owner)
{
    static const struct db_statement insert = {
        "image_insert", "WITH i AS ("
                        "INSERT INTO image (product, api_key, stored_name, format, bytes, sha256, alt_text, "
                        "caption, is_primary, sort_order) "
                        "SELECT p.id, $2::bigint, $3, $4, $5::bigint, $6::bytea, $7, $8, $9::boolean AND "
                        "p.id IS NOT NULL, $10::bigint "
                        "FROM (SELECT $1::text AS slug) wanted LEFT JOIN product p ON p.slug = wanted.slug "
                        "WHERE wanted.slug IS NULL OR p.id IS NOT NULL RETURNING *) "
                        "SELECT " DB_IMAGE_COLUMNS "FROM i " DB_IMAGE_JOINS};
    struct db_call *call = db_call_new(db, take_one, done, owner);
    struct ask_one *ask = ask_one(call, arena, out);
    const char *slug = arena_string(call->arena, wanted->product_slug);
    if (wanted->is_primary && slug != NULL) {
        add_unmark(call, slug);
        ask->statement = call->query_count;
    }
    const char *values[] = {
        slug,
        wanted->key == 0 ? NULL : db_call_int(call, wanted->key),
        arena_string(call->arena, wanted->stored_name),
        image_format_word(wanted->format),
        db_call_int(call, wanted->bytes),
        db_call_bytes(call, wanted->sha256, sizeof wanted->sha256),
        arena_string(call->arena, wanted->alt_text != NULL ? wanted->alt_text : ""),
        arena_string(call->arena, wanted->caption != NULL ? wanted->caption : ""),
        db_call_bool(wanted->is_primary),
        db_call_int(call, wanted->order),
    };
    db_call_add(call, &insert, sizeof values / sizeof values[0], values);
    db_call_start(call);
}

void db_image_get(struct db *db, struct arena *arena, int64_t id, const char *slug, struct db_image *out,
                  done_fn done, void *owner)
{
    static const struct db_statement get = {"image_get",
                                            "SELECT " DB_IMAGE_COLUMNS "FROM image i " DB_IMAGE_JOINS
                                            "WHERE i.id = $1::bigint AND ($2::text IS NULL OR p.slug = $2) "
                                            "ORDER BY v.place"};
    struct db_call *call = db_call_new(db, take_one, done, owner);
    ask_one(call, arena, out);
    db_call_add(call, &get, 2, (const char *[]){db_call_int(call, id), arena_string(call->arena, slug)});
    db_call_start(call);
}
