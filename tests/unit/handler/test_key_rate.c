// SPDX-License-Identifier: Apache-2.0
#include "api/handler/key_rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

enum { SECOND = 1000000 };

static void test_a_burst_then_a_steady_rate(void **state)
{
    (void)state;
    struct key_rate *rates = key_rate_new(5);
    uint64_t now = 1000 * (uint64_t)SECOND;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(key_rate_take(rates, 7, now), 0);
    }
    assert_int_equal(key_rate_take(rates, 7, now), SECOND / 5);
    assert_int_equal(key_rate_take(rates, 7, now + SECOND / 5 - 1), 1);
    /* being refused costs nothing */
    assert_int_equal(key_rate_take(rates, 7, now + SECOND / 5), 0);
    int taken = 0;
    for (uint64_t at = now + SECOND / 5; at < now + 10 * (uint64_t)SECOND; at += SECOND / 100) {
        taken += key_rate_take(rates, 7, at) == 0;
    }
    assert_in_range(taken, 48, 50);
    /* all is there again after a second of rest */
    now += 20 * (uint64_t)SECOND;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(key_rate_take(rates, 7, now), 0);
    }
    assert_int_not_equal(key_rate_take(rates, 7, now), 0);
    free(rates);
}

static void test_keys_do_not_hinder_each_other(void **state)
{
    (void)state;
    struct key_rate *rates = key_rate_new(1);
    for (int64_t key = 1; key <= KEY_RATE_SETS * KEY_RATE_WAYS; key++) {
        assert_int_equal(key_rate_take(rates, key, SECOND), 0);
    }
    for (int64_t key = 1; key <= KEY_RATE_SETS * KEY_RATE_WAYS; key++) {
        assert_int_not_equal(key_rate_take(rates, key, SECOND), 0);
    }
    free(rates);
}

static void test_who_has_rested_gives_way(void **state)
{
    (void)state;
    struct key_rate *rates = key_rate_new(1);
    int64_t keys[KEY_RATE_WAYS + 1];
    for (int i = 0; i <= KEY_RATE_WAYS; i++) {
        keys[i] = 1 + (int64_t)i * KEY_RATE_SETS; /* of one set */
    }
    for (int i = 0; i < KEY_RATE_WAYS; i++) {
        assert_int_equal(key_rate_take(rates, keys[i], (uint64_t)(i == 2 ? 1 : 2) * SECOND), 0);
    }
    assert_int_equal(key_rate_take(rates, keys[KEY_RATE_WAYS], 2 * SECOND), 0);
    for (int i = 0; i <= KEY_RATE_WAYS; i++) {
        if (i != 2) {
            assert_int_not_equal(key_rate_take(rates, keys[i], 2 * SECOND), 0);
        }
    }
    free(rates);
}

static void test_no_limit(void **state)
{
    (void)state;
    struct key_rate *rates = key_rate_new(0);
    struct key_rate *limited = key_rate_new(1);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(key_rate_take(rates, 7, SECOND), 0);
        assert_int_equal(key_rate_take(limited, 0, SECOND), 0);
    }
    free(rates);
    free(limited);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_then_a_steady_rate),
        cmocka_unit_test(test_keys_do_not_hinder_each_other),
        cmocka_unit_test(test_who_has_rested_gives_way),
        cmocka_unit_test(test_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
