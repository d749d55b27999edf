// SPDX-License-Identifier: Apache-2.0
#include "common/base/random.h"

#include <stdbool.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void bytes_differ_and_stay_inside(void **state)
{
    unsigned char a[34] = {0};
    unsigned char b[34] = {0};
    (void)state;
    random_bytes(a + 1, 32);
    random_bytes(b + 1, 32);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(a[0], 0);
    assert_int_equal(a[33], 0);
    random_bytes(a, 0);
}

static void numbers_below_a_bound(void **state)
{
    bool seen[7] = {false};
    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint64_t number = random_below(7);
        assert_true(number < 7);
        seen[number] = true;
        assert_int_equal(random_below(1), 0);
        assert_true(random_below(UINT64_MAX) < UINT64_MAX);
    }
    for (int i = 0; i < 7; i++) {
        assert_true(seen[i]);
    }
}

static void uuids_have_the_shape_of_rfc_9562(void **state)
{
    char uuid[RANDOM_UUID_BYTES];
    char other[RANDOM_UUID_BYTES];
    (void)state;
    for (int i = 0; i < 200; i++) {
        random_uuid(uuid);
        random_uuid(other);
        assert_string_not_equal(uuid, other);
        assert_int_equal(strlen(uuid), 36);
        for (size_t at = 0; at < 36; at++) {
            bool is_dash = at == 8 || at == 13 || at == 18 || at == 23;
            assert_true(is_dash ? uuid[at] == '-' : strchr("0123456789abcdef", uuid[at]) != NULL);
        }
        assert_int_equal(uuid[14], '4');
        assert_non_null(strchr("89ab", uuid[19]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_differ_and_stay_inside),
        cmocka_unit_test(numbers_below_a_bound),
        cmocka_unit_test(uuids_have_the_shape_of_rfc_9562),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
