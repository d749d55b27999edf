// SPDX-License-Identifier: Apache-2.0
#include "api/http/headers.h"

#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct header items[] = {
    {"Connection", "Keep-Alive ,Foo"}, {"X-Many", "a"}, {"x-many", ""}, {"X-MANY", "c"},
    {"Connection", ", close"},
};
static const struct headers headers = {items, sizeof items / sizeof items[0]};

static void test_values(void **state)
{
    struct arena *arena = arena_new();
    (void)state;
    assert_int_equal(headers_count(&headers, "x-many"), 3);
    assert_int_equal(headers_count(&headers, "x-man"), 0);
    assert_string_equal(headers_first(&headers, "connection"), "Keep-Alive ,Foo");
    assert_null(headers_first(&headers, "x-none"));
    assert_string_equal(headers_joined(&headers, arena, "x-many"), "a, , c");
    assert_null(headers_joined(&headers, arena, "x-none"));
    arena_free(arena);
}

static void test_tokens(void **state)
{
    (void)state;
    assert_true(headers_has_token(&headers, "connection", "keep-alive"));
    assert_true(headers_has_token(&headers, "connection", "foo"));
    assert_true(headers_has_token(&headers, "connection", "CLOSE"));
    assert_false(headers_has_token(&headers, "connection", "keep"));
    assert_false(headers_has_token(&headers, "connection", "fo"));
    assert_false(headers_has_token(&headers, "x-none", "a"));
}

static void test_hosts(void **state)
{
    static const char *const good[] = {"a",     "a.example", "a:80",  "a:",    "127.0.0.1:8080",
                                       "[::1]", "[::1]:80",  "a_b-c", "%C3%A9"};
    static const char *const bad[] = {"",        ":80",      "a b",  "a/b",      "a@b",    "a,b@", "a:b",
                                      "a:80:80", "a:123456", "[::1", "[]",       "[::1]x", "a\"",  "a<b",
                                      "a\\b",    "a?b",      "a#b",  "\xc3\xa9", "[g]"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(headers_is_host(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(headers_is_host(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
