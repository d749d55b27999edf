// SPDX-License-Identifier: Apache-2.0
#include "api/http/query.h"

#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_text(const char *found, const char *wanted)
{
    if (wanted == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, wanted);
    }
}

static void test_values(void **state)
{
    static const struct {
        const char *query;
        const char *name;
        const char *value;
    } rows[] = {
        {"", "a", NULL},
        {"a=1", "a", "1"},
        {"a=1&b=2", "b", "2"},
        {"a=1&a=2", "a", "1"},
        {"aa=1&a=2", "a", "2"},
        {"a", "a", ""},
        {"a=", "a", ""},
        {"a=b=c", "a", "b=c"},
        {"&&a=1&&", "a", "1"},
        {"a=x+y%20z", "a", "x y z"},
        {"a=%2B%26%3d", "a", "+&="},
        {"a=%C3%A9", "a", "\xc3\xa9"},
        {"%61=1", "a", "1"},
        {"b+c=1", "b c", "1"},
        {"a=100%", "a", "100%"},
        {"a=%zz%4", "a", "%zz%4"},
        {"a=%00", "a", NULL},
        {"a=%ff", "a", NULL},
        {"%ff=1&a=2", "a", "2"},
        {"A=1", "a", NULL},
        {"=1", "", "1"},
        {"&", "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *arena = arena_new();
        assert_text(query_value(arena, rows[i].query, rows[i].name), rows[i].value);
        arena_free(arena);
    }
}

static void test_paths(void **state)
{
    static const struct {
        const char *path;
        const char *decoded;
    } rows[] = {
        {"/", "/"},
        {"/a+b", "/a+b"},
        {"/a%20b%41", "/a bA"},
        {"/%C3%A9", "/\xc3\xa9"},
        {"/%2e%2e/x", "/../x"},
        {"/%25", "/%"},
        {"/%2F", NULL},
        {"/%2f", NULL},
        {"/%00", NULL},
        {"/%", NULL},
        {"/%4", NULL},
        {"/%4g", NULL},
        {"/%g4", NULL},
        {"/%c3", NULL},
        {"/%c0%af", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *arena = arena_new();
        assert_text(query_decode_path(arena, rows[i].path, strlen(rows[i].path)), rows[i].decoded);
        arena_free(arena);
    }
}

static void test_path_ends_where_told(void **state)
{
    struct arena *arena = arena_new();
    (void)state;
    assert_text(query_decode_path(arena, "/abc%41", 3), "/ab");
    assert_text(query_decode_path(arena, "/abc%41", 6), NULL);
    arena_free(arena);
}

static void test_encode(void **state)
{
    struct arena *arena = arena_new();
    (void)state;
    assert_text(query_encode(arena, "aZ09-._~"), "aZ09-._~");
    assert_text(query_encode(arena, "a b/\xc3\xa9&"), "a%20b%2F%C3%A9%26");
    assert_text(query_encode(arena, ""), "");
    arena_free(arena);
}

static void test_unknown_names(void **state)
{
    static const char *const names[] = {"a", "b c", NULL};
    static const char *const more[] = {"d", NULL};
    struct arena *arena = arena_new();
    (void)state;
    assert_null(query_unknown(arena, "", names, more));
    assert_true(query_has(arena, "x&b+c=%00&d", "b c"));
    assert_true(query_has(arena, "x", "x"));
    assert_false(query_has(arena, "xx=x&=x", "x"));
    assert_false(query_has(arena, "", ""));
    assert_null(query_unknown(arena, "a=1&&b+c=2&b%20c&d=&a", names, more));
    assert_text(query_unknown(arena, "a=1&x=2&y=3", names, more), "x");
    assert_text(query_unknown(arena, "A=1", names, more), "A");
    assert_text(query_unknown(arena, "=1", names, more), "");
    assert_text(query_unknown(arena, "a=1&%ff=2", names, more), "?");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_path_ends_where_told),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
