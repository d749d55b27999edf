// SPDX-License-Identifier: Apache-2.0
#include "api/handler/dead_filter.h"

#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const char *const no_others[] = {NULL};

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

static void test_a_query(void **state)
{
    struct db_dead_filter filter;
    struct err err;
    json_t *errors = NULL;
    assert_int_equal(
        dead_filter_of_query(*state,
                             "reason=codec_crashed&buried_before=2026-01-31T12%3A00%3A00Z&"
                             "buried_after=2026-01-01T00:00:00%2B01:00&ids=7,8,9223372036854775807",
                             no_others, &filter, &errors, &err),
        0);
    assert_string_equal(filter.reason, "codec_crashed");
    assert_string_equal(filter.buried_before, "2026-01-31T12:00:00Z");
    assert_string_equal(filter.buried_after, "2026-01-01T00:00:00+01:00");
    assert_int_equal(filter.id_count, 3);
    assert_int_equal(filter.ids[2], INT64_MAX);
    assert_false(dead_filter_is_all(&filter));
    /* what its links say is read as the same again */
    const char *query = dead_filter_query(*state, &filter);
    struct db_dead_filter again;
    assert_int_equal(query[0], '?');
    assert_int_equal(dead_filter_of_query(*state, query + 1, no_others, &again, &errors, &err), 0);
    assert_string_equal(again.reason, filter.reason);
    assert_string_equal(again.buried_before, filter.buried_before);
    assert_string_equal(again.buried_after, filter.buried_after);
    assert_int_equal(again.id_count, 3);
    assert_memory_equal(again.ids, filter.ids, 3 * sizeof filter.ids[0]);
    assert_null(errors);
}

static void test_nothing_means_all(void **state)
{
    struct db_dead_filter filter;
    struct err err;
    json_t *errors = NULL;
    json_t *body = json_object();
    assert_int_equal(dead_filter_of_query(*state, "", no_others, &filter, &errors, &err), 0);
    assert_true(dead_filter_is_all(&filter));
    assert_string_equal(dead_filter_query(*state, &filter), "");
    assert_int_equal(dead_filter_of_json(*state, body, &filter, &errors, &err), 0);
    assert_true(dead_filter_is_all(&filter));
    json_decref(body);
}

static void test_an_object(void **state)
{
    struct db_dead_filter filter;
    struct err err;
    json_t *errors = NULL;
    json_t *body = json_pack("{s:s, s:n, s:[i, i]}", "reason", "out_of_memory", "buried_after", "ids", 3, 4);
    assert_int_equal(dead_filter_of_json(*state, body, &filter, &errors, &err), 0);
    json_decref(body); /* its texts are not needed any more */
    assert_string_equal(filter.reason, "out_of_memory");
    assert_null(filter.buried_after);
    assert_int_equal(filter.id_count, 2);
    assert_int_equal(filter.ids[1], 4);
}

static void test_what_is_misspelt_is_refused(void **state)
{
    static const char *const queries[] = {
        "reason=", "reason=No", "buried_before=x", "ids=", "ids=1,",        "ids=,1",
        "ids=1;2", "ids=-1",    "ids=0x",          "id=1", "reason=a%00b&", "buried_after"};
    static const char *const bodies[] = {"{\"reason\": \"\"}",    "{\"reason\": 7}",
                                         "{\"ids\": []}",         "{\"ids\": [0]}",
                                         "{\"ids\": [1, \"2\"]}", "{\"ids\": {\"a\": 1}}",
                                         "{\"id\": [1]}",         "{\"buried_before\": \"tomorrow\"}"};
    struct db_dead_filter filter;
    struct err err;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        json_t *errors = NULL;
        assert_int_equal(dead_filter_of_query(*state, queries[i], no_others, &filter, &errors, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        assert_int_equal(json_object_size(errors), 1);
        json_decref(errors);
    }
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        json_t *errors = NULL;
        json_t *body = json_loads(bodies[i], 0, NULL);
        assert_non_null(body);
        assert_int_equal(dead_filter_of_json(*state, body, &filter, &errors, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        assert_int_equal(json_object_size(errors), 1);
        json_decref(errors);
        json_decref(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_query, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_means_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_object, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_misspelt_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
