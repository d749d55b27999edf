// SPDX-License-Identifier: Apache-2.0
#include "worker/memory_need.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { MIB = 1 << 20 };

static void need_grows_with_the_pixels(void **state)
{
    (void)state;
    struct image_head head = {
        .state = IMAGE_HEAD_DONE, .format = IMAGE_JPEG, .width_px = 4000, .height_px = 3000};
    int64_t jpeg = memory_need(&head, 4 * MIB);
    /* more than the dearest that was measured, and not absurdly more */
    assert_in_range(jpeg, 150 * MIB, 300 * MIB);
    head.format = IMAGE_PNG;
    assert_true(memory_need(&head, 4 * MIB) > jpeg);
    head.width_px = 200;
    assert_true(memory_need(&head, 4 * MIB) < jpeg);
    head.width_px = INT32_MAX;
    head.height_px = INT32_MAX;
    assert_true(memory_need(&head, INT32_MAX) > 0);
}

static void what_is_no_image_needs_little(void **state)
{
    (void)state;
    struct image_head head = {.state = IMAGE_HEAD_REFUSED, .width_px = 30000, .height_px = 30000};
    assert_true(memory_need(&head, 1000) < 64 * MIB);
}

static void the_budget_is_what_there_is(void **state)
{
    (void)state;
    assert_int_equal(memory_budget(5, 1000, 2000), 5);
    assert_int_equal(memory_budget(0, 1000, 2000), 750);
    assert_int_equal(memory_budget(0, 0, 2000), 1500);
    assert_int_equal(memory_budget(0, UINT64_MAX, 2000), 1500);
    assert_int_equal(memory_budget(0, 0, 0), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(need_grows_with_the_pixels),
        cmocka_unit_test(what_is_no_image_needs_little),
        cmocka_unit_test(the_budget_is_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
