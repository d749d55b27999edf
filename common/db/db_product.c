// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_product.h"

#include "common/db/db_call.h"
#include "common/db/db_image_row.h"
#include "common/db/db_row.h"

#define PRODUCT_COLUMNS                                                                                      \
    "id, name, slug, description, price, " DB_UTC("created_at") " AS created_at, " DB_UTC(                   \
        "updated_at") " AS updated_at "

struct ask {
    struct arena *arena;
    struct db_product *out; /* one, or */
    struct db_product **list;
    size_t *count;
};

static void take_product(const PGresult *result, int number, struct arena *arena, struct db_product *out)
{
    struct db_row row = {.result = result, .row = number, .arena = arena};
    *out = (struct db_product){
        .id = db_row_int64(&row, "id"),
        .name = db_row_text(&row, "name"),
        .slug = db_row_text(&row, "slug"),
        .description = db_row_text(&row, "description"),
        .price = db_row_text(&row, "price"),
        .created_at = db_row_text(&row, "created_at"),
        .updated_at = db_row_text(&row, "updated_at"),
    };
}

static int take_one(struct db_call *call, struct err *err)
{
    const struct ask *ask = call->question;
    const PGresult *result = db_call_result(call, 0);
    if (PQntuples(result) == 0) {
        return err_set(err, ERR_NOT_FOUND, "no such product");
    }
    take_product(result, 0, ask->arena, ask->out);
    return 0;
}

static int take_list(struct db_call *call, struct err *err)
{
    const struct ask *ask = call->question;
    const PGresult *result = db_call_result(call, 0);
    size_t count = (size_t)PQntuples(result);
    struct db_product *products = arena_alloc(ask->arena, count * sizeof *products);
    (void)err;
    for (size_t i = 0; i < count; i++) {
        take_product(result, (int)i, ask->arena, &products[i]);
    }
    *ask->list = products;
    *ask->count = count;
    return 0;
}

static void set_question(struct db_call *call, const struct ask *ask)
{
    struct ask *copy = arena_alloc(call->arena, sizeof *copy);
    *copy = *ask;
    call->question = copy;
}

void db_product_insert(struct db *db, struct arena *arena, const struct db_product *wanted,
                       struct db_product *out, done_fn done, void *owner)
{
    static const struct db_statement insert = {
        "product_insert",
        "INSERT INTO product (name, slug, description, price) VALUES ($1, $2, $3, $4::numeric) "
        "RETURNING " PRODUCT_COLUMNS};
    struct db_call *call = db_call_new(db, take_one, done, owner);
    set_question(call, &(struct ask){.arena = arena, .out = out});
    const char *values[] = {
        arena_string(call->arena, wanted->name),
        arena_string(call->arena, wanted->slug),
        arena_string(call->arena, wanted->description != NULL ? wanted->description : ""),
        arena_string(call->arena, wanted->price),
    };
    db_call_add(call, &insert, sizeof values / sizeof values[0], values);
    db_call_start(call);
}

void db_product_get(struct db *db, struct arena *arena, const char *slug, struct db_product *out,
                    done_fn done, void *owner)
{
    static const struct db_statement get = {"product_get",
                                            "SELECT " PRODUCT_COLUMNS "FROM product WHERE slug = $1"};
    struct db_call *call = db_call_new(db, take_one, done, owner);
    set_question(call, &(struct ask){.arena = arena, .out = out});
    db_call_add(call, &get, 1, (const char *[]){arena_string(call->arena, slug)});
    db_call_start(call);
}

#define LIST_STATEMENT(where, direction)                                                                     \
    "SELECT " PRODUCT_COLUMNS "FROM (SELECT * FROM product " where "ORDER BY id " direction                  \
    " LIMIT $2::bigint) page ORDER BY id"

void db_product_list(struct db *db, struct arena *arena, const struct db_product_page *page,
                     struct db_product **out, size_t *count, done_fn done, void *owner)
{
    static const struct db_statement after = {"product_list_after",
                                              LIST_STATEMENT("WHERE id > $1::bigint ", "ASC")};
    static const struct db_statement before = {"product_list_before",
                                               LIST_STATEMENT("WHERE id < $1::bigint ", "DESC")};
    struct db_call *call = db_call_new(db, take_list, done, owner);
    set_question(call, &(struct ask){.arena = arena, .list = out, .count = count});
    /* every id is over 0 */
    const char *values[] = {
        db_call_int(call, page->has_place ? page->id : 0),
        db_call_int(call, (int64_t)page->limit),
    };
    db_call_add(call, page->has_place && page->is_backward ? &before : &after, 2, values);
    db_call_start(call);
}
