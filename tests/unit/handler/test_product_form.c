// SPDX-License-Identifier: Apache-2.0
#include "api/handler/product_form.h"

#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static enum err_code code_of(struct arena *arena, const char *body, struct product_form *form)
{
    struct err err = {0};
    return product_form_read(arena, body, strlen(body), form, &err) ? err.code : ERR_NONE;
}

/* The price that a JSON value is read as; NULL where it is refused. */
static const char *price(struct arena *arena, const char *json)
{
    struct product_form form;
    const char *body = arena_format(arena, "{\"name\": \"Mug\", \"price\": %s}", json);
    enum err_code code = code_of(arena, body, &form);
    assert_true(code == ERR_NONE || json_object_get(form.errors, "price") != NULL);
    json_decref(form.errors);
    return code == ERR_NONE ? form.product.price : NULL;
}

static void test_all_fields_are_read(void **state)
{
    struct product_form form;
    const char *body =
        "{\"name\": \"  Blue mug \", \"slug\": \"Blue_mug\", \"description\": \"It is blue.\", "
        "\"price\": \"19.9\", \"colour\": \"blue\"}";
    assert_int_equal(code_of(*state, body, &form), ERR_NONE);
    assert_null(form.errors);
    assert_string_equal(form.product.name, "Blue mug");
    assert_string_equal(form.product.slug, "Blue_mug");
    assert_string_equal(form.product.description, "It is blue.");
    assert_string_equal(form.product.price, "19.90");
}

static void test_only_the_name_is_needed(void **state)
{
    struct product_form form;
    assert_int_equal(
        code_of(*state, "{\"name\": \"Mug\", \"slug\": \"\", \"price\": null, \"description\": null}", &form),
        ERR_NONE);
    assert_null(form.product.slug);
    assert_null(form.product.price);
    assert_string_equal(form.product.description, "");
}

static void test_prices_have_two_decimals_at_most(void **state)
{
    assert_string_equal(price(*state, "\"0\""), "0.00");
    assert_string_equal(price(*state, "\"007.5\""), "7.50");
    assert_string_equal(price(*state, "\"99999999.99\""), "99999999.99");
    assert_string_equal(price(*state, "19.99"), "19.99");
    assert_string_equal(price(*state, "0.1"), "0.10");
    assert_string_equal(price(*state, "99999999.99"), "99999999.99");
    assert_string_equal(price(*state, "5"), "5.00");
    static const char *const wrong[] = {
        "\"\"",    "\"-1\"", "\"1,5\"",   "\"1.\"",        "\".\"", "\"1.999\"", "\"100000000\"",
        "\"1e3\"", "-0.01",  "1.999",     "100000000",     "true",  "[]",        "1e300",
        "\"NaN\"", "\" 1\"", "\"1.0.0\"", "\"0000000000\""};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_null(price(*state, wrong[i]));
    }
}

static void test_faults_are_told_by_field_all_at_once(void **state)
{
    struct product_form form;
    assert_int_equal(code_of(*state, "{\"slug\": \"a b\", \"price\": \"x\", \"description\": 5}", &form),
                     ERR_INVALID);
    assert_int_equal(json_object_size(form.errors), 4);
    assert_non_null(json_object_get(form.errors, "name"));
    json_decref(form.errors);
    assert_int_equal(code_of(*state, "{\"name\": \"   \"}", &form), ERR_INVALID);
    json_decref(form.errors);
    assert_int_equal(code_of(*state, "{\"name\": 5}", &form), ERR_INVALID);
    assert_int_equal(json_array_size(json_object_get(form.errors, "name")), 1);
    json_decref(form.errors);
}

static void test_a_name_has_at_most_200_characters(void **state)
{
    struct product_form form;
    char name[2 * 201 + 1];
    for (size_t i = 0; i < 201; i++) {
        memcpy(name + 2 * i, "\xc3\xa9", 3);
    }
    assert_int_equal(code_of(*state, arena_format(*state, "{\"name\": \"%s\"}", name), &form), ERR_INVALID);
    json_decref(form.errors);
    name[400] = '\0';
    assert_int_equal(code_of(*state, arena_format(*state, "{\"name\": \"%s\"}", name), &form), ERR_NONE);
}

static void test_what_is_no_object_is_a_bad_request(void **state)
{
    static const char *const bodies[] = {"",
                                         "[]",
                                         "5",
                                         "{",
                                         "{\"name\": \"a\", \"name\": \"b\"}",
                                         "{\"name\": \"\xff\"}",
                                         "null",
                                         "{\"name\": \"a\"} x",
                                         "{\"name\": \"a\\u0000b\"}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct product_form form;
        assert_int_equal(code_of(*state, bodies[i], &form), ERR_BAD_REQUEST);
        assert_null(form.errors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_fields_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_the_name_is_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prices_have_two_decimals_at_most, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults_are_told_by_field_all_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_name_has_at_most_200_characters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_object_is_a_bad_request, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
