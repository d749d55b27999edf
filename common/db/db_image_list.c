// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_call.h"
#include "common/db/db_image.h"
#include "common/db/db_image_row.h"

struct ask_page {
    struct arena *arena;
    struct db_image **out;
    size_t *count;
};

static int take_page(struct db_call *call, struct err *err)
{
    const struct ask_page *ask = call->question;
    (void)err;
    *ask->count = db_image_row_take(db_call_result(call, 0), ask->arena, ask->out);
    return 0;
}

/* The page is cut before variants are joined, so that its limit counts images. */
#define LIST_STATEMENT(where, direction)                                                                     \
    "SELECT " DB_IMAGE_COLUMNS "FROM ("                                                                      \
    "SELECT * FROM image WHERE product = (SELECT id FROM product WHERE slug = $1) " where                    \
    "ORDER BY sort_order " direction ", uploaded_at " direction ", id " direction                            \
    " LIMIT $2::bigint) i " DB_IMAGE_JOINS "ORDER BY i.sort_order, i.uploaded_at, i.id, v.place"

#define LIST_PLACE "($3::bigint, $4::timestamptz, $5::bigint) "

void db_image_list(struct db *db, struct arena *arena, const struct db_image_page *page,
                   struct db_image **out, size_t *count, done_fn done, void *owner)
{
    static const struct db_statement first = {"image_list", LIST_STATEMENT("", "ASC")};
    static const struct db_statement after = {
        "image_list_after", LIST_STATEMENT("AND (sort_order, uploaded_at, id) > " LIST_PLACE, "ASC")};
    static const struct db_statement before = {
        "image_list_before", LIST_STATEMENT("AND (sort_order, uploaded_at, id) < " LIST_PLACE, "DESC")};
    struct db_call *call = db_call_new(db, take_page, done, owner);
    struct ask_page *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask_page){.arena = arena, .out = out, .count = count};
    call->question = ask;
    const char *values[] = {
        arena_string(call->arena, page->slug), db_call_int(call, (int64_t)page->limit),
        db_call_int(call, page->order),        arena_string(call->arena, page->uploaded_at),
        db_call_int(call, page->id),
    };
    if (page->has_place) {
        db_call_add(call, page->is_backward ? &before : &after, 5, values);
    } else {
        db_call_add(call, &first, 2, values);
    }
    db_call_start(call);
}

struct ask_galleries {
    struct arena *arena;
    struct db_gallery *galleries;
    size_t count;
    size_t limit;
};

/* Sorts the images of all products, which come gallery by gallery, into their galleries. */
static int take_galleries(struct db_call *call, struct err *err)
{
    const struct ask_galleries *ask = call->question;
    struct db_image *images = NULL;
    size_t count = db_image_row_take(db_call_result(call, 0), ask->arena, &images);
    size_t at = 0;
    (void)err;
    for (size_t i = 0; i < ask->count; i++) {
        struct db_gallery *gallery = &ask->galleries[i];
        gallery->list = &images[at];
        gallery->count = 0;
        gallery->primary = NULL;
        for (; at < count && images[at].product == gallery->product; at++) {
            if (images[at].is_primary) {
                gallery->primary = &images[at];
            }
            /* one more than the limit is a primary that stands behind them all */
            gallery->count += gallery->count < ask->limit;
        }
    }
    return 0;
}

/* A product's first images by their index, then its primary one by its own, where it is none of them: it stands behind them then. */
void db_image_list_galleries(struct db *db, struct arena *arena, struct db_gallery *galleries, size_t count,
                             size_t limit, done_fn done, void *owner)
{
    static const struct db_statement list = {
        "image_list_galleries",
        "SELECT " DB_IMAGE_COLUMNS "FROM unnest($1::bigint[]) WITH ORDINALITY wanted (product, place) "
        "CROSS JOIN LATERAL (WITH first AS ("
        "SELECT * FROM image WHERE product = wanted.product "
        "ORDER BY sort_order, uploaded_at, id LIMIT $2::bigint) "
        "SELECT * FROM first UNION ALL SELECT * FROM image m WHERE m.product = wanted.product AND "
        "m.is_primary "
        "AND NOT EXISTS (SELECT FROM first WHERE first.id = m.id)) i " DB_IMAGE_JOINS
        "ORDER BY wanted.place, i.sort_order, i.uploaded_at, i.id, v.place"};
    struct db_call *call = db_call_new(db, take_galleries, done, owner);
    struct ask_galleries *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask_galleries){.arena = arena, .galleries = galleries, .count = count, .limit = limit};
    call->question = ask;
    struct db_array products;
    db_array_init(&products, call);
    for (size_t i = 0; i < count; i++) {
        db_array_add_int(&products, galleries[i].product);
    }
    db_call_add(call, &list, 2,
                (const char *[]){db_array_finish(&products), db_call_int(call, (int64_t)limit)});
    db_call_start(call);
}
