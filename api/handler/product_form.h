// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a product out of a JSON body. Pure.
 */
#ifndef PIXMILL_HANDLER_PRODUCT_FORM_H
#define PIXMILL_HANDLER_PRODUCT_FORM_H

#include "common/db/db_product.h"

#include <jansson.h>
#include <stdbool.h>

struct arena;

struct product_form {
    struct db_product product; /* name, slug (NULL where not given), description, price; in the arena */
    json_t *errors;            /* the caller's; NULL where nothing is wrong */
};

/*
 * Reads {name, slug?, description?, price?}: a name of 1..200 characters, a slug of [A-Za-z0-9_-], a price that is a decimal string or a
 * number, 0 and up, with at most 10 digits, 2 of them after the point. Unknown keys are ignored. Returns 0, or -1 with
 * ERR_BAD_REQUEST (no JSON object) or ERR_INVALID and form->errors.
 */
int product_form_read(struct arena *arena, const char *body, size_t bytes, struct product_form *form,
                      struct err *err) MUST_CHECK;

#endif
