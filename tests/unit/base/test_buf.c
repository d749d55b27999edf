// SPDX-License-Identifier: Apache-2.0
#include "common/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void bytes_are_kept_in_order_and_ended(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 100000);
    assert_null(buf.data);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(buf_format(&buf, "%d,", i % 10), 0);
    }
    assert_int_equal(buf.used, 40000);
    assert_int_equal(buf.data[buf.used], '\0');
    assert_memory_equal(buf.data + 39990, "5,6,7,8,9,", 10);
    buf_release(&buf);
    assert_null(buf.data);
    assert_int_equal(buf_add(&buf, "again", 5), 0);
    assert_string_equal(buf.data, "again");
    buf_release(&buf);
}

static void over_the_limit_nothing_is_added(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 10);
    assert_int_equal(buf_add(&buf, "12345678", 8), 0);
    assert_int_equal(buf_add(&buf, "abc", 3), -1);
    assert_int_equal(buf_format(&buf, "%s", "abc"), -1);
    assert_string_equal(buf.data, "12345678");
    assert_int_equal(buf_add(&buf, "ab", 2), 0);
    assert_int_equal(buf_add(&buf, "x", 1), -1);
    assert_int_equal(buf_add(&buf, NULL, 0), 0);
    assert_string_equal(buf.data, "12345678ab");
    buf_release(&buf);
}

static void dropping_moves_the_rest(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 10);
    buf_drop(&buf, 0);
    assert_int_equal(buf_add(&buf, "0123456789", 10), 0);
    buf_drop(&buf, 7);
    assert_string_equal(buf.data, "789");
    assert_int_equal(buf_add(&buf, "abcdefg", 7), 0);
    buf_drop(&buf, 10);
    assert_int_equal(buf.used, 0);
    assert_string_equal(buf.data, "");
    buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_kept_in_order_and_ended),
        cmocka_unit_test(over_the_limit_nothing_is_added),
        cmocka_unit_test(dropping_moves_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
