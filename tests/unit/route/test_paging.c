// SPDX-License-Identifier: Apache-2.0
#include "api/route/paging.h"

#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct paging_place place = {-3, "2026-01-31T12:00:00.123456Z", 4711};

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

/* Reads a query of the list "images of mug". */
static int reads(struct arena *arena, const char *query, struct paging *paging)
{
    struct err err = {0};
    json_t *errors = NULL;
    int result = paging_read(arena, query, "images of mug", paging, &errors, &err);
    if (result != 0) {
        assert_int_equal(err.code, ERR_INVALID);
        assert_true(json_object_size(errors) > 0);
    }
    json_decref(errors);
    return result;
}

static int reads_cursor(struct arena *arena, const char *cursor)
{
    struct paging paging;
    return reads(arena, arena_format(arena, "cursor=%s", cursor), &paging);
}

static void test_a_cursor_comes_back_as_its_place(void **state)
{
    struct paging paging;
    const char *cursor = paging_cursor(*state, "images of mug", &place, false);
    assert_int_equal(strspn(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                     strlen(cursor));
    assert_int_equal(reads(*state, arena_format(*state, "limit=7&cursor=%s", cursor), &paging), 0);
    assert_int_equal(paging.limit, 7);
    assert_true(paging.has_place);
    assert_false(paging.is_backward);
    assert_int_equal(paging.place.order, -3);
    assert_string_equal(paging.place.uploaded_at, place.uploaded_at);
    assert_int_equal(paging.place.id, 4711);
    const char *back = paging_cursor(*state, "images of mug", &place, true);
    assert_string_not_equal(back, cursor);
    assert_int_equal(reads(*state, arena_format(*state, "cursor=%s", back), &paging), 0);
    assert_true(paging.has_place);
    assert_true(paging.is_backward);
    assert_int_equal(paging.place.id, 4711);
}

static void test_the_first_page_needs_nothing(void **state)
{
    struct paging paging;
    assert_int_equal(reads(*state, "", &paging), 0);
    assert_int_equal(paging.limit, 50);
    assert_false(paging.has_place);
    assert_int_equal(reads(*state, "limit=200&cursor=", &paging), 0);
    assert_int_equal(paging.limit, 200);
    assert_false(paging.has_place);
}

static void test_limits_out_of_range_are_refused(void **state)
{
    static const char *const queries[] = {"limit=0", "limit=201", "limit=-1",
                                          "limit=",  "limit=ten", "limit=1.5"};
    struct paging paging;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        assert_int_equal(reads(*state, queries[i], &paging), -1);
    }
}

static void test_a_changed_cursor_is_refused_wherever_it_was_changed(void **state)
{
    char *cursor = arena_string(*state, paging_cursor(*state, "images of mug", &place, false));
    size_t length = strlen(cursor);
    assert_int_equal(reads_cursor(*state, cursor), 0);
    /* the last character holds unused bits */
    for (size_t i = 0; i + 1 < length; i++) {
        char kept = cursor[i];
        cursor[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(reads_cursor(*state, cursor), -1);
        cursor[i] = kept;
    }
    for (size_t i = 1; i < length; i++) {
        assert_int_equal(reads_cursor(*state, arena_copy(*state, cursor, i)), -1);
    }
}

static void test_a_cursor_of_another_list_is_refused(void **state)
{
    assert_int_equal(reads_cursor(*state, paging_cursor(*state, "images of jug", &place, false)), -1);
    assert_int_equal(reads_cursor(*state, paging_cursor(*state, "products", &place, false)), -1);
}

static void test_what_the_database_must_not_see_is_refused(void **state)
{
    static const struct paging_place places[] = {{0, "now", 1},
                                                 {0, "2026-02-30T12:00:00Z", 1},
                                                 {0, "2026-13-01T12:00:00Z", 1},
                                                 {0, "2026-01-31T25:00:00Z", 1},
                                                 {0, "2026-01-31T12:00:00+99:99", 1},
                                                 {0, "0000-01-01T12:00:00Z", 1},
                                                 {0, "  26-01-01T12:00:00Z", 1},
                                                 {0, "2026-01-31T12:00:00.Z", 1},
                                                 {0, "2026-01-31T12:00:00Z'; --", 1},
                                                 {0, "2026-01-31 12:00:00", 1},
                                                 {0, "infinity", 1},
                                                 {0, "", 0},
                                                 {0, "", -5}};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        assert_int_equal(reads_cursor(*state, paging_cursor(*state, "images of mug", &places[i], i % 2 == 1)),
                         -1);
    }
    assert_int_equal(reads_cursor(*state, "%00%00%00%00"), -1);
    assert_int_equal(reads_cursor(*state, "eyJvIjogMX0"), -1);
    assert_int_equal(reads_cursor(*state, "===="), -1);
    char *longest = arena_alloc(*state, 4001);
    memset(longest, 'A', 4000);
    assert_int_equal(reads_cursor(*state, longest), -1);
}

/* The links of an answer to `paging` for which `rows` rows were read, as "next previous": the cursor's direction and id. */
static const char *links(struct arena *arena, const struct paging *paging, size_t rows, int64_t first_id)
{
    static const char *const names[] = {"next", "previous"};
    const char *told = "";
    struct paging_cut cut = paging_cut(paging, rows);
    first_id += (int64_t)cut.first;
    if (cut.count > 0) {
        cut.start = (struct paging_place){0, "", first_id};
        cut.end = (struct paging_place){0, "", first_id + (int64_t)cut.count - 1};
    }
    json_t *body = paging_answer(arena, "http://h/", "images of mug", paging, &cut, json_array());
    for (size_t i = 0; i < 2; i++) {
        const char *url = json_string_value(json_object_get(body, names[i]));
        struct paging read;
        const char *link = "none";
        if (url != NULL) {
            assert_memory_equal(url, "http://h/?limit=3", 17);
            assert_int_equal(reads(arena, strchr(url, '?') + 1, &read), 0);
            assert_int_equal(read.limit, 3);
            link = !read.has_place ? "first"
                                   : arena_format(arena, "%s%lld", read.is_backward ? "<" : ">",
                                                  (long long)read.place.id);
        }
        told = arena_format(arena, "%s%s%s", told, i > 0 ? " " : "", link);
    }
    json_decref(body);
    return told;
}

static void test_an_answer_names_the_pages_beside_it(void **state)
{
    struct paging first = {.limit = 3};
    struct paging after = {.limit = 3, .has_place = true, .place = {0, "", 9}};
    struct paging before = {.limit = 3, .has_place = true, .is_backward = true, .place = {0, "", 9}};
    /* a fourth row says that the list goes on; forward it is the last of those read, backward the first */
    assert_string_equal(links(*state, &first, 0, 0), "none none");
    assert_string_equal(links(*state, &first, 3, 1), "none none");
    assert_string_equal(links(*state, &first, 4, 1), ">3 none");
    assert_string_equal(links(*state, &after, 2, 10), "none <10");
    assert_string_equal(links(*state, &after, 4, 10), ">12 <10");
    assert_string_equal(links(*state, &before, 3, 6), ">8 none");
    assert_string_equal(links(*state, &before, 4, 5), ">8 <6");
    /* the rest of the list is gone: the way back ends with the row at the place, the way on begins anew */
    assert_string_equal(links(*state, &after, 0, 0), "none <10");
    assert_string_equal(links(*state, &before, 0, 0), "first none");
    after.place.id = INT64_MAX;
    assert_string_equal(links(*state, &after, 0, 0), "none <9223372036854775807");
}

static void test_a_direction_that_is_none_is_refused(void **state)
{
    /* the keys "-3/2026...", which have none, with the check that belongs to them */
    static const char bare[] = "LeKevsTxLTMvMjAyNi0wMS0zMVQxMjowMDowMC4xMjM0NTZaLzQ3MTE";
    assert_int_equal(reads_cursor(*state, bare), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_cursor_comes_back_as_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_page_needs_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits_out_of_range_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_changed_cursor_is_refused_wherever_it_was_changed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_cursor_of_another_list_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_the_database_must_not_see_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_names_the_pages_beside_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_direction_that_is_none_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
