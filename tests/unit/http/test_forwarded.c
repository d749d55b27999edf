// SPDX-License-Identifier: Apache-2.0
#include "api/http/forwarded.h"

#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_trusted(void **state)
{
    static const struct {
        const char *proxies;
        const char *peer;
        bool is_trusted;
    } rows[] = {
        {"", "127.0.0.1", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.11", false},
        {"127.0.0.11", "127.0.0.1", false},
        {"10.1.2.3, 127.0.0.1", "127.0.0.1", true},
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.128.0.0/9", "10.128.0.1", true},
        {"10.128.0.0/9", "10.127.0.1", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "::1", false},
        {"10.0.0.1/32", "10.0.0.1", true},
        {"10.0.0.0/33", "10.0.0.0", false},
        {"10.0.0.0/", "10.0.0.0", false},
        {"10.0.0.0/-1", "10.0.0.0", false},
        {"::1", "::1", true},
        {"::1", "0:0:0:0:0:0:0:1", true},
        {"fd00::/8", "fdab::1", true},
        {"fd00::/8", "fe80::1", false},
        {"proxy.example, ::1", "::1", true},
        {"*", "127.0.0.1", false},
        {"127.0.0.1", "", false},
        {"127.0.0.1", "nonsense", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(forwarded_is_trusted(rows[i].proxies, rows[i].peer), rows[i].is_trusted);
    }
}

static void test_long_entry(void **state)
{
    char list[300];
    (void)state;
    memset(list, '1', sizeof list);
    memcpy(list + sizeof list - 12, ", 127.0.0.1", 12);
    assert_true(forwarded_is_trusted(list, "127.0.0.1"));
}

static void test_origin(void **state)
{
    static const struct {
        struct forwarded_fields fields;
        const char *proxies;
        const char *origin;
    } rows[] = {
        {{"1.1.1.1", "shop.example", NULL, NULL}, "", "http://shop.example"},
        {{"1.1.1.1", "shop.example:81", "https", "evil"}, "", "http://shop.example:81"},
        {{"1.1.1.1", "shop.example", "https", "evil"}, "1.1.1.2", "http://shop.example"},
        {{"1.1.1.1", "inner", "https", "shop.example"}, "1.1.1.1", "https://shop.example"},
        {{"1.1.1.1", "inner", "HTTPS", NULL}, "1.1.1.1", "https://inner"},
        {{"1.1.1.1", "inner", "javascript", "a b"}, "1.1.1.1", "http://inner"},
        {{"1.1.1.1", "inner", "http, https", "evil, shop.example"}, "1.1.1.1", "https://shop.example"},
        {{"1.1.1.1", NULL, "https", "shop.example"}, "1.1.1.1", "https://shop.example"},
        {{"1.1.1.1", NULL, NULL, NULL}, "1.1.1.1", NULL},
        {{"1.1.1.1", "a/b", NULL, NULL}, "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *arena = arena_new();
        const char *origin = forwarded_origin(arena, &rows[i].fields, rows[i].proxies);
        if (rows[i].origin == NULL) {
            assert_null(origin);
        } else {
            assert_string_equal(origin, rows[i].origin);
        }
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trusted),
        cmocka_unit_test(test_long_entry),
        cmocka_unit_test(test_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
