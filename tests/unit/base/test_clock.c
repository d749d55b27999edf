// SPDX-License-Identifier: Apache-2.0
#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void times_are_written_and_read(void **state)
{
    char text[CLOCK_TEXT_BYTES];
    (void)state;
    clock_text(INT64_C(1769860800) * 1000000 + 42, text);
    assert_string_equal(text, "2026-01-31T12:00:00.000042Z");
    clock_text(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
    /* the example of RFC 9110, 5.6.7 */
    clock_http_date(INT64_C(784111777) * 1000000, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_int_equal(clock_of_http_date(text), 784111777);
}

static void other_dates_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "Sunday, 06-Nov-94 08:49:37 GMT",
                                      "Sun Nov  6 08:49:37 1994",
                                      "Sun, 06 Nov 1994 08:49:37 CET",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 06 Nuv 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1969 08:49:37 GMT"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(clock_of_http_date(bad[i]), -1);
    }
}

static void clocks_go_on(void **state)
{
    uint64_t last_us = clock_monotonic_us();
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t now_us = clock_monotonic_us();
        assert_true(now_us >= last_us);
        last_us = now_us;
    }
    assert_true(clock_wall_us() > INT64_C(1700000000) * 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_and_read),
        cmocka_unit_test(other_dates_are_refused),
        cmocka_unit_test(clocks_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
