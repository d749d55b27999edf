// SPDX-License-Identifier: Apache-2.0
/*
 * Products: rows of the table product.
 */
#ifndef PIXMILL_DB_DB_PRODUCT_H
#define PIXMILL_DB_DB_PRODUCT_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct db;

struct db_product {
    int64_t id;
    const char *name;
    const char *slug;
    const char *description;
    const char *price;      /* decimal string, or NULL */
    const char *created_at; /* RFC 3339 UTC */
    const char *updated_at;
};

/* Inserts {name, slug, description, price} of `wanted` and fills *out. ERR_SLUG_TAKEN where the slug is. */
void db_product_insert(struct db *db, struct arena *arena, const struct db_product *wanted,
                       struct db_product *out, done_fn done, void *owner);

/* Fills *out by slug. ERR_NOT_FOUND where there is none. */
void db_product_get(struct db *db, struct arena *arena, const char *slug, struct db_product *out,
                    done_fn done, void *owner);

struct db_product_page {
    bool has_place;   /* false: from the start of the list */
    bool is_backward; /* the last `limit` rows before the place, instead of the first after it */
    int64_t id;       /* the place: of a product, which is not in the page */
    size_t limit;
};

/* Fills a page of all products by id, in that order also where it is asked for backward; *out is an array in the arena. */
void db_product_list(struct db *db, struct arena *arena, const struct db_product_page *page,
                     struct db_product **out, size_t *count, done_fn done, void *owner);

#endif
