// SPDX-License-Identifier: Apache-2.0
#include "worker/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct health_view well = {.backlog = 0, .has_codec = true, .is_codec_free = true, .taken = 7};

static void test_is_well_when_idle_for_long(void **state)
{
    (void)state;
    struct health_rule rule = {0};
    for (uint64_t now_ms = 1; now_ms < 100000; now_ms += 1000) {
        assert_null(health_look(&rule, &well, now_ms));
    }
}

/* The last take may be long ago when backlog appears: only backlog that stays counts. */
static void test_backlog_that_just_came_is_no_fault(void **state)
{
    (void)state;
    struct health_rule rule = {0};
    struct health_view view = well;
    assert_null(health_look(&rule, &view, 1));
    view.backlog = 5;
    assert_null(health_look(&rule, &view, 600000));
    assert_null(health_look(&rule, &view, 600000 + HEALTH_STUCK_MS - 1));
    assert_non_null(health_look(&rule, &view, 600000 + HEALTH_STUCK_MS));
}

static void test_a_take_or_a_busy_codec_or_a_pause_begins_anew(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct health_rule rule = {0};
        struct health_view view = well;
        view.backlog = 5;
        assert_null(health_look(&rule, &view, 1));
        assert_null(health_look(&rule, &view, 1000));
        struct health_view other = view;
        other.taken += kind == 0;
        other.is_codec_free = kind != 1;
        other.is_paused = kind == 2;
        other.backlog = kind == 3 ? -1 : view.backlog;
        assert_null(health_look(&rule, &other, 1000 + HEALTH_STUCK_MS));
        view.taken = other.taken;
        assert_null(health_look(&rule, &view, 2000 + HEALTH_STUCK_MS));
        assert_null(health_look(&rule, &view, 1999 + 2 * HEALTH_STUCK_MS));
        assert_non_null(health_look(&rule, &view, 2000 + 2 * HEALTH_STUCK_MS));
    }
}

static void test_no_codec_for_a_while_is_a_fault(void **state)
{
    (void)state;
    struct health_rule rule = {0};
    struct health_view view = well;
    view.has_codec = false;
    view.is_codec_free = false;
    assert_null(health_look(&rule, &view, 10));
    assert_non_null(health_look(&rule, &view, 10 + HEALTH_STUCK_MS));
    assert_null(health_look(&rule, &well, 11 + HEALTH_STUCK_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_well_when_idle_for_long),
        cmocka_unit_test(test_backlog_that_just_came_is_no_fault),
        cmocka_unit_test(test_a_take_or_a_busy_codec_or_a_pause_begins_anew),
        cmocka_unit_test(test_no_codec_for_a_while_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
