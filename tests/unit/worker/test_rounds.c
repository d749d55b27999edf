// SPDX-License-Identifier: Apache-2.0
#include "worker/rounds.h"

#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { LONG_MS = 600000 };

struct part {
    struct rounds rounds;
    int works;
    int released;
    int closed;
    int released_when_closed;
};

static void work_until_told(void *owner)
{
    struct part *part = owner;
    part->works++;
}

static void work_at_once(void *owner)
{
    struct part *part = owner;
    part->works++;
    rounds_rest(&part->rounds, 0);
}

static void release(void *owner)
{
    struct part *part = owner;
    part->released++;
}

static void on_closed(void *owner)
{
    struct part *part = owner;
    part->closed++;
    part->released_when_closed = part->released;
}

static bool has_worked(void *owner)
{
    return ((const struct part *)owner)->works > 0;
}

static void finish(struct loop *loop, const struct part *part)
{
    loop_run(loop);
    assert_int_equal(part->closed, 1);
    assert_int_equal(part->released_when_closed, 1);
    loop_free(loop);
}

static void works_again_after_each_rest(void **state)
{
    (void)state;
    struct part part = {.works = 0};
    struct loop *loop = loop_new(NULL);
    rounds_start(&part.rounds, loop, 1, work_at_once, release, &part);
    assert_int_equal(part.works, 0);
    assert_true(await_until(loop, has_worked, &part));
    part.works = 0;
    assert_true(await_until(loop, has_worked, &part));
    rounds_close(&part.rounds, on_closed, &part);
    assert_int_equal(part.closed, 0);
    finish(loop, &part);
}

static void a_close_ends_a_rest_at_once(void **state)
{
    (void)state;
    struct part part = {.works = 0};
    struct loop *loop = loop_new(NULL);
    rounds_start(&part.rounds, loop, LONG_MS, work_at_once, release, &part);
    rounds_close(&part.rounds, on_closed, &part);
    finish(loop, &part);
    assert_int_equal(part.works, 0);
}

static void a_rest_can_be_ended(void **state)
{
    (void)state;
    struct part part = {.works = 0};
    struct loop *loop = loop_new(NULL);
    rounds_start(&part.rounds, loop, LONG_MS, work_until_told, release, &part);
    rounds_hurry(&part.rounds);
    assert_int_equal(part.works, 0);
    assert_true(await_until(loop, has_worked, &part));
    rounds_hurry(&part.rounds);
    loop_run(loop);
    assert_int_equal(part.works, 1);
    rounds_rest(&part.rounds, LONG_MS);
    rounds_close(&part.rounds, on_closed, &part);
    rounds_hurry(&part.rounds);
    finish(loop, &part);
    assert_int_equal(part.works, 1);
}

static void a_close_waits_for_the_work_under_way(void **state)
{
    (void)state;
    struct part part = {.works = 0};
    struct loop *loop = loop_new(NULL);
    rounds_start(&part.rounds, loop, 0, work_until_told, release, &part);
    assert_true(await_until(loop, has_worked, &part));
    rounds_close(&part.rounds, on_closed, &part);
    loop_run(loop);
    assert_int_equal(part.closed, 0);
    assert_true(rounds_are_closing(&part.rounds));
    rounds_rest(&part.rounds, LONG_MS);
    assert_int_equal(part.closed, 0);
    finish(loop, &part);
    assert_int_equal(part.works, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_again_after_each_rest),
        cmocka_unit_test(a_close_ends_a_rest_at_once),
        cmocka_unit_test(a_rest_can_be_ended),
        cmocka_unit_test(a_close_waits_for_the_work_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
