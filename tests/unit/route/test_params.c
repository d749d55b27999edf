// SPDX-License-Identifier: Apache-2.0
#include "api/route/params.h"

#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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

static void test_an_id_is_a_positive_number(void **state)
{
    (void)state;
    static const char *const wrong[] = {"0",   "-1",  "1x", "", " 1", "+1", "9223372036854775808",
                                        "1.0", "0x10"};
    struct call call = {.match = {.count = 1, .params = {{"id", "9223372036854775807"}}}};
    int64_t id = 0;
    struct err err = {0};
    assert_int_equal(params_id(&call, "id", &id, &err), 0);
    assert_true(id == INT64_MAX);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        call.match.params[0].value = wrong[i];
        assert_int_equal(params_id(&call, "id", &id, &err), -1);
        assert_int_equal(err.code, ERR_NOT_FOUND);
    }
}

static void test_booleans_are_words(void **state)
{
    (void)state;
    bool value = false;
    assert_int_equal(params_bool_of_text("True", &value), 0);
    assert_true(value);
    assert_int_equal(params_bool_of_text("off", &value), 0);
    assert_false(value);
    assert_int_equal(params_bool_of_text("1", &value), 0);
    assert_true(value);
    assert_int_equal(params_bool_of_text("", &value), -1);
    assert_int_equal(params_bool_of_text("2", &value), -1);
    assert_int_equal(params_bool_of_text("truely", &value), -1);
}

static void test_prefer_wait_is_read_as_the_rfc_has_it(void **state)
{
    (void)state;
    assert_int_equal(params_wait_of_prefer(NULL, 30), -1);
    assert_int_equal(params_wait_of_prefer("", 30), -1);
    assert_int_equal(params_wait_of_prefer("wait=10", 30), 10);
    assert_int_equal(params_wait_of_prefer("respond-async, wait=5", 30), 5);
    assert_int_equal(params_wait_of_prefer("respond-async;x=1 , wait = 7 ;y", 30), 7);
    assert_int_equal(params_wait_of_prefer("wait=\"12\"", 30), 12);
    assert_int_equal(params_wait_of_prefer("wait=31", 30), 30);
    assert_int_equal(params_wait_of_prefer("wait=99999999999999999999999", 30), 30);
    assert_int_equal(params_wait_of_prefer("wait=0", 30), 0);
    assert_int_equal(params_wait_of_prefer("WAIT=3", 30), 3);
    assert_int_equal(params_wait_of_prefer("wait", 30), -1);
    assert_int_equal(params_wait_of_prefer("wait=", 30), -1);
    assert_int_equal(params_wait_of_prefer("wait=-1", 30), -1);
    assert_int_equal(params_wait_of_prefer("wait=1x", 30), -1);
    assert_int_equal(params_wait_of_prefer("await=1", 30), -1);
    assert_int_equal(params_wait_of_prefer("x=wait=1", 30), -1);
    assert_int_equal(params_wait_of_prefer("wait=\"1", 30), -1);
}

static void set(struct arena *arena, struct image_fields *fields, const char *name, const char *text,
                json_t **errors)
{
    params_image_field(arena, fields, name, text, errors);
}

static void test_image_fields_are_typed(void **state)
{
    struct image_fields fields = {.alt_text = "", .caption = ""};
    json_t *errors = NULL;
    set(*state, &fields, "alt_text", "A blue m\xc3\xbcg", &errors);
    set(*state, &fields, "caption", "", &errors);
    set(*state, &fields, "is_primary", "yes", &errors);
    set(*state, &fields, "order", "12", &errors);
    set(*state, &fields, "unknown", "anything", &errors);
    assert_null(errors);
    assert_string_equal(fields.alt_text, "A blue m\xc3\xbcg");
    assert_string_equal(fields.caption, "");
    assert_true(fields.is_primary);
    assert_int_equal(fields.order, 12);
    assert_true(params_is_image_field("order"));
    assert_false(params_is_image_field("image"));
}

static void test_200_characters_count_not_bytes(void **state)
{
    struct image_fields fields = {.alt_text = "", .caption = ""};
    json_t *errors = NULL;
    char text[2 * 201 + 1] = "";
    for (size_t i = 0; i < 201; i++) {
        memcpy(text + 2 * i, "\xc3\xa9", 3);
    }
    set(*state, &fields, "caption", text, &errors);
    assert_non_null(json_object_get(errors, "caption"));
    json_decref(errors);
    errors = NULL;
    text[400] = '\0';
    set(*state, &fields, "caption", text, &errors);
    assert_null(errors);
    assert_string_equal(fields.caption, text);
}

static void test_faults_are_told_by_field(void **state)
{
    struct image_fields fields = {.alt_text = "", .caption = ""};
    json_t *errors = NULL;
    set(*state, &fields, "alt_text", "\xff", &errors);
    set(*state, &fields, "is_primary", "maybe", &errors);
    set(*state, &fields, "order", "-1", &errors);
    assert_int_equal(json_object_size(errors), 3);
    assert_int_equal(json_array_size(json_object_get(errors, "order")), 1);
    assert_string_equal(fields.alt_text, "");
    assert_false(fields.is_primary);
    json_decref(errors);
}

static void test_times_are_those_that_are(void **state)
{
    static const char *const good[] = {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123456Z",
                                       "2024-02-29T23:59:59Z", "2026-01-31T12:00:00+01:00",
                                       "2026-01-31T12:00:00.5-14:59"};
    static const char *const bad[] = {"",
                                      "2026-01-31",
                                      "2026-01-31T12:00:00",
                                      "2026-01-31 12:00:00Z",
                                      "26-01-31T12:00:00Z",
                                      "2026-02-30T12:00:00Z",
                                      "2025-02-29T12:00:00Z",
                                      "0000-01-01T00:00:00Z",
                                      "2026-01-31T25:00:00Z",
                                      "2026-01-31T12:00:60Z",
                                      "2026-01-31T12:00:00.Z",
                                      "2026-01-31T12:00:00.1234567Z",
                                      "2026-01-31T12:00:00+15:00",
                                      "2026-01-31T12:00:00+01:60",
                                      "2026-01-31T12:00:00+0100",
                                      "2026-01-31T12:00:00+01:0",
                                      "2026-01-31T12:00:00 01:00",
                                      "2026-01-31T12:00:00ZZ",
                                      "now"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(params_is_time(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(params_is_time(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_id_is_a_positive_number),
        cmocka_unit_test(test_booleans_are_words),
        cmocka_unit_test(test_times_are_those_that_are),
        cmocka_unit_test(test_prefer_wait_is_read_as_the_rfc_has_it),
        cmocka_unit_test_setup_teardown(test_image_fields_are_typed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_200_characters_count_not_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults_are_told_by_field, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
