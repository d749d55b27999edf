// SPDX-License-Identifier: Apache-2.0
#include "api/http/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct row {
    const char *value;
    int64_t size;
    enum range_answer answer;
    int64_t first;
    int64_t last;
};

static void test_ranges(void **state)
{
    static const struct row rows[] = {
        {NULL, 10, RANGE_WHOLE, 0, 0},
        {"bytes=0-0", 10, RANGE_PART, 0, 0},
        {"bytes=2-5", 10, RANGE_PART, 2, 5},
        {"Bytes=2-5", 10, RANGE_PART, 2, 5},
        {"bytes=2-", 10, RANGE_PART, 2, 9},
        {"bytes=0-9", 10, RANGE_PART, 0, 9},
        {"bytes=0-10", 10, RANGE_PART, 0, 9},
        {"bytes=9-99999999999999999999999", 10, RANGE_PART, 9, 9},
        {"bytes=-3", 10, RANGE_PART, 7, 9},
        {"bytes=-10", 10, RANGE_PART, 0, 9},
        {"bytes=-99999999999999999999999", 10, RANGE_PART, 0, 9},
        {"bytes=10-", 10, RANGE_NO_BYTES, 0, 0},
        {"bytes=10-11", 10, RANGE_NO_BYTES, 0, 0},
        {"bytes=99999999999999999999999-", 10, RANGE_NO_BYTES, 0, 0},
        {"bytes=-0", 10, RANGE_NO_BYTES, 0, 0},
        {"bytes=0-", 0, RANGE_NO_BYTES, 0, 0},
        {"bytes=-1", 0, RANGE_NO_BYTES, 0, 0},
        {"bytes=5-2", 10, RANGE_WHOLE, 0, 0},
        {"bytes=", 10, RANGE_WHOLE, 0, 0},
        {"bytes=-", 10, RANGE_WHOLE, 0, 0},
        {"bytes=1", 10, RANGE_WHOLE, 0, 0},
        {"bytes=a-b", 10, RANGE_WHOLE, 0, 0},
        {"bytes=1-2,4-5", 10, RANGE_WHOLE, 0, 0},
        {"bytes=1-2x", 10, RANGE_WHOLE, 0, 0},
        {"bytes = 1-2", 10, RANGE_WHOLE, 0, 0},
        {"bytes=--1", 10, RANGE_WHOLE, 0, 0},
        {"lines=1-2", 10, RANGE_WHOLE, 0, 0},
        {"", 10, RANGE_WHOLE, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t first = -7;
        int64_t last = -7;
        assert_int_equal(range_read(rows[i].value, rows[i].size, &first, &last), rows[i].answer);
        if (rows[i].answer == RANGE_PART) {
            assert_int_equal(first, rows[i].first);
            assert_int_equal(last, rows[i].last);
        } else {
            assert_int_equal(first, -7);
            assert_int_equal(last, -7);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
