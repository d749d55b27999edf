// SPDX-License-Identifier: Apache-2.0
#include "worker/dispatcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_takes_no_more_than_codecs_will_start_soon(void **state)
{
    (void)state;
    assert_int_equal(dispatcher_room(0), 0);
    assert_int_equal(dispatcher_room(1), 2);
    assert_int_equal(dispatcher_room(2), 3);
    assert_int_equal(dispatcher_room(8), 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_takes_no_more_than_codecs_will_start_soon)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
