// SPDX-License-Identifier: Apache-2.0
#include "common/net/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_doubles_up_to_the_most(void **state)
{
    (void)state;
    /* random % (top + 1) is top for top itself and 0 for the next number */
    assert_int_equal(backoff_ms(20, 1000, 0, 20), 20);
    assert_int_equal(backoff_ms(20, 1000, 0, 21), 0);
    assert_int_equal(backoff_ms(20, 1000, 1, 40), 40);
    assert_int_equal(backoff_ms(20, 1000, 1, 41), 0);
    assert_int_equal(backoff_ms(20, 1000, 5, 640), 640);
    assert_int_equal(backoff_ms(20, 1000, 6, 1000), 1000);
    assert_int_equal(backoff_ms(20, 1000, 6, 1001), 0);
    assert_int_equal(backoff_ms(20, 1000, 4000000000U, 1000), 1000);
}

static void test_extremes(void **state)
{
    (void)state;
    assert_int_equal(backoff_ms(0, 1000, 50, 12345), 0);
    assert_int_equal(backoff_ms(5000, 1000, 0, 1000), 1000);
    assert_int_equal(backoff_ms(5000, 1000, 0, 1001), 0);
    assert_true(backoff_ms(UINT64_MAX, UINT64_MAX, 3, 77) == 77);
    assert_true(backoff_ms(1, UINT64_MAX, 200, UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_up_to_the_most),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
