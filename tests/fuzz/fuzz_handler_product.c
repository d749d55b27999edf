// SPDX-License-Identifier: Apache-2.0
/*
 * A product's JSON, and a slug of its name: what is taken must be fit for the table.
 */
#include "api/handler/product_form.h"
#include "api/handler/slug.h"
#include "common/base/arena.h"
#include "common/base/text.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct arena *arena = arena_new();
    struct product_form form;
    struct err err = {0};
    if (product_form_read(arena, (const char *)data, bytes, &form, &err) == 0) {
        char slug[SLUG_BYTES];
        char numbered[SLUG_BYTES];
        const struct db_product *product = &form.product;
        size_t characters = text_characters(product->name);
        assert(form.errors == NULL && characters >= 1 && characters <= 200);
        assert(text_is_utf8(product->name, strlen(product->name)));
        assert(product->slug == NULL || slug_is_valid(product->slug));
        assert(product->price == NULL || product->price[strlen(product->price) - 3] == '.');
        slug_of_name(product->name, slug);
        assert(slug_is_valid(slug));
        slug_numbered(slug, 4294967295U, numbered);
        assert(slug_is_valid(numbered));
    } else {
        assert(err.code == ERR_BAD_REQUEST || form.errors != NULL);
    }
    json_decref(form.errors);
    arena_free(arena);
    return 0;
}
