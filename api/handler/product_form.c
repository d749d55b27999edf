// SPDX-License-Identifier: Apache-2.0
#include "api/handler/product_form.h"

#include "api/handler/slug.h"
#include "api/route/problem.h"
#include "common/base/arena.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAME_CHARACTERS = 200,
    DESCRIPTION_CHARACTERS = 100000,
    PRICE_WHOLE_DIGITS = 8,
    PRICE_FRACTION_DIGITS = 2,
    PRICE_BYTES = 32
};

/* The string at key; NULL where it is absent or null, or is no string, which is a fault. */
static const char *text_of(const json_t *body, const char *key, json_t **errors)
{
    const json_t *value = json_object_get(body, key);
    if (value == NULL || json_is_null(value)) {
        return NULL;
    }
    if (!json_is_string(value)) {
        problem_add(errors, key, "Not a valid string.");
        return NULL;
    }
    return json_string_value(value);
}

static void read_name(struct arena *arena, const json_t *body, struct product_form *form)
{
    const char *name = text_of(body, "name", &form->errors);
    if (name == NULL) {
        if (form->errors == NULL) {
            problem_add(&form->errors, "name", "This field is required.");
        }
        return;
    }
    name += strspn(name, " \t\r\n");
    size_t bytes = strlen(name);
    while (bytes > 0 && strchr(" \t\r\n", name[bytes - 1]) != NULL) {
        bytes--;
    }
    form->product.name = arena_copy(arena, name, bytes);
    if (bytes == 0) {
        problem_add(&form->errors, "name", "This field may not be blank.");
    } else if (text_characters(form->product.name) > NAME_CHARACTERS) {
        problem_add(&form->errors, "name", "Ensure this field has no more than 200 characters.");
    }
}

/* Writes a decimal with exactly two digits after the point. Returns 0, or -1 where text is no price. */
static int price_of_text(const char *text, char out[PRICE_BYTES])
{
    size_t zeros = strspn(text, "0");
    const char *whole = text + zeros;
    size_t whole_digits = strspn(whole, "0123456789");
    const char *point = whole + whole_digits;
    const char *fraction = *point == '.' ? point + 1 : point;
    size_t fraction_digits = strspn(fraction, "0123456789");
    bool has_digits = zeros + whole_digits > 0 && (*point != '.' || fraction_digits > 0);
    if (!has_digits || fraction[fraction_digits] != '\0' || whole_digits > PRICE_WHOLE_DIGITS ||
        fraction_digits > PRICE_FRACTION_DIGITS || zeros > PRICE_WHOLE_DIGITS) {
        return -1;
    }
    snprintf(out, PRICE_BYTES, "%.*s.%.*s%.*s", whole_digits ? (int)whole_digits : 1,
             whole_digits ? whole : "0", (int)fraction_digits, fraction,
             PRICE_FRACTION_DIGITS - (int)fraction_digits, "00");
    return 0;
}

/* A number has two decimals where two decimals give the same number again: 19.99 does, 19.999 does not. */
static int price_of_number(double number, char out[PRICE_BYTES])
{
    if (!(number >= 0 && number < 1e8)) {
        return -1;
    }
    char text[PRICE_BYTES];
    snprintf(text, sizeof(text), "%.2f", number);
    bool is_same = !(strtod(text, NULL) < number) && !(strtod(text, NULL) > number);
    return is_same ? price_of_text(text, out) : -1;
}

static void read_price(struct arena *arena, const json_t *body, struct product_form *form)
{
    const json_t *value = json_object_get(body, "price");
    char text[PRICE_BYTES];
    int failed = -1;
    if (value == NULL || json_is_null(value)) {
        return;
    }
    if (json_is_string(value)) {
        failed = price_of_text(json_string_value(value), text);
    } else if (json_is_number(value)) {
        failed = price_of_number(json_number_value(value), text);
    }
    if (failed) {
        problem_add(&form->errors, "price",
                    "A decimal of at least 0 with at most 10 digits, 2 after the point, is required.");
        return;
    }
    form->product.price = arena_string(arena, text);
}

static void read_rest(struct arena *arena, const json_t *body, struct product_form *form)
{
    const char *slug = text_of(body, "slug", &form->errors);
    if (slug != NULL && *slug != '\0') {
        form->product.slug = arena_string(arena, slug);
        if (!slug_is_valid(slug)) {
            problem_add(&form->errors, "slug",
                        "1 to 200 letters, digits, underscores or hyphens are required.");
        }
    }
    const char *description = text_of(body, "description", &form->errors);
    form->product.description = description ? arena_string(arena, description) : "";
    if (text_characters(form->product.description) > DESCRIPTION_CHARACTERS) {
        problem_add(&form->errors, "description", "Ensure this field has no more than 100000 characters.");
    }
}

int product_form_read(struct arena *arena, const char *body, size_t bytes, struct product_form *form,
                      struct err *err)
{
    memset(form, 0, sizeof(*form));
    json_error_t where;
    json_t *json = json_loadb(body, bytes, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(json)) {
        json_decref(json);
        return err_set(err, ERR_BAD_REQUEST, "the body is no JSON object");
    }
    read_name(arena, json, form);
    read_rest(arena, json, form);
    read_price(arena, json, form);
    json_decref(json);
    return form->errors ? err_set(err, ERR_INVALID, "invalid fields") : 0;
}
