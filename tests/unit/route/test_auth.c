// SPDX-License-Identifier: Apache-2.0
#include "api/route/auth.h"

#include "common/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define PUBLIC "0123456789abcdef"
#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY    "pm_" PUBLIC "_" SECRET

static void test_a_key_is_found_and_digested_whole(void **state)
{
    (void)state;
    static const char *const values[] = {"Bearer " KEY, "bearer " KEY, "BEARER   " KEY};
    unsigned char expected[DIGEST_BYTES];
    digest_of(KEY, strlen(KEY), expected);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char public_part[DB_KEY_PUBLIC_BYTES];
        unsigned char sha256[DIGEST_BYTES];
        assert_int_equal(auth_read(values[i], public_part, sha256, NULL), 0);
        assert_string_equal(public_part, PUBLIC);
        assert_memory_equal(sha256, expected, DIGEST_BYTES);
    }
}

static void test_nothing_else_is_a_key(void **state)
{
    (void)state;
    static const char *const values[] = {
        NULL,
        "",
        "Bearer",
        "Bearer ",
        KEY,
        "Basic " KEY,
        "Bearer" KEY,
        "Bearer " KEY "0",
        "Bearer " KEY " ",
        "Bearer pm_" PUBLIC "x" SECRET,
        "Bearer px_" PUBLIC "_" SECRET,
        "Bearer pm_0123456789abcdeF_" SECRET,
        "Bearer pm_0123456789abcde'_" SECRET,
        "Bearer pm_" PUBLIC "_",
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char public_part[DB_KEY_PUBLIC_BYTES] = "untouched";
        unsigned char sha256[DIGEST_BYTES];
        struct err err = {0};
        assert_int_equal(auth_read(values[i], public_part, sha256, &err), -1);
        assert_int_equal(err.code, ERR_UNAUTHORIZED);
        assert_string_equal(public_part, "untouched");
        assert_null(strstr(err.sentence, SECRET));
    }
}

static void test_reads_can_be_closed(void **state)
{
    (void)state;
    struct auth *open = auth_new(NULL, NULL, true);
    struct auth *closed = auth_new(NULL, NULL, false);
    assert_false(auth_needs_key(open, ROUTE_OPEN));
    assert_false(auth_needs_key(open, ROUTE_READ));
    assert_true(auth_needs_key(open, ROUTE_UPLOAD));
    assert_false(auth_needs_key(closed, ROUTE_OPEN));
    assert_true(auth_needs_key(closed, ROUTE_READ));
    assert_true(auth_needs_key(closed, ROUTE_ADMIN));
    auth_free(open);
    auth_free(closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_is_found_and_digested_whole),
        cmocka_unit_test(test_nothing_else_is_a_key),
        cmocka_unit_test(test_reads_can_be_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
