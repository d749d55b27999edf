// SPDX-License-Identifier: Apache-2.0
/* Many jobs at once, the pause, and what stats say of them. */
#include "tests/unit/queue/queue_world.h"

static size_t push_many(struct world *world, const struct queue_pushing *jobs, size_t count)
{
    struct await await = {.answers = 0};
    size_t added = SIZE_MAX;
    queue_push_many(world->queue, jobs, count, &added, await_done, &await);
    expect_success(world, &await);
    return added;
}

static void set_paused(struct world *world, bool is_paused)
{
    struct await await = {.answers = 0};
    queue_set_paused(world->queue, is_paused, await_done, &await);
    expect_success(world, &await);
}

/* Images first, first + 1, ... */
static void fill(struct queue_pushing *jobs, size_t count, int64_t first, enum job_class class)
{
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (struct queue_pushing){.job = job_of(first + (int64_t)i, class), .uploader = 3};
    }
}

static void test_many_are_pushed_once(void **state)
{
    struct world *world = *state;
    struct queue_pushing jobs[QUEUE_PUSH_MAX];
    struct queue_taken taken[QUEUE_TAKE_MAX];
    fill(jobs, QUEUE_PUSH_MAX, 1, JOB_NORMAL);
    assert_int_equal(push_many(world, jobs, 0), 0);
    push(world, 2, JOB_NORMAL, 3, 0);
    push(world, 3, JOB_LOW, 3, LONG_MS);
    assert_int_equal(push_many(world, jobs, QUEUE_PUSH_MAX), QUEUE_PUSH_MAX - 2);
    assert_int_equal(push_many(world, jobs, QUEUE_PUSH_MAX), 0);
    expect_stats(world, (int64_t[]){0, QUEUE_PUSH_MAX - 1, 0, 1, 0});
    /* twice in one call is once, too; each as it would be alone */
    fill(jobs, 2, 1000, JOB_HIGH);
    jobs[2] = jobs[1];
    assert_int_equal(push_many(world, jobs, 3), 2);
    assert_int_equal(take(world, 2, LONG_MS, taken), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(taken[i].is_known);
        assert_int_equal(taken[i].job.image, 1000 + (int64_t)i);
        assert_string_equal(taken[i].job.trace, jobs[i].job.trace);
    }
    assert_int_equal(push_many(world, jobs, 3), 0); /* leased */
}

static void test_many_wake_a_waiter(void **state)
{
    struct world *world = *state;
    struct queue_pushing jobs[3];
    struct await await = {.answers = 0};
    fill(jobs, 3, 1, JOB_LOW);
    queue_wait(world->queue, LONG_MS, await_done, &await);
    assert_int_equal(push_many(world, jobs, 3), 3);
    assert_true(await_reached(world->loop, &await.answers, 1));
    assert_int_equal(await.err.code, ERR_NONE);
    /* one for each of the others; those that were pending wake nobody */
    assert_int_equal(raw_integer(world, "LLEN {p}:wake"), 2);
    raw_do(world, "DEL {p}:wake");
    assert_int_equal(push_many(world, jobs, 3), 0);
    assert_int_equal(raw_integer(world, "EXISTS {p}:wake"), 0);
}

static void test_a_paused_queue_hands_out_nothing(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[4];
    push(world, 1, JOB_HIGH, 1, 0);
    assert_int_equal(take(world, 1, LONG_MS, taken), 1);
    struct queue_lease held = taken[0].lease;
    assert_false(stats(world).is_paused);
    set_paused(world, true);
    set_paused(world, true);
    assert_true(stats(world).is_paused);
    push(world, 2, JOB_HIGH, 1, 0);
    assert_int_equal(raw_integer(world, "EXISTS {p}:wake"), 0);
    assert_int_equal(take(world, 4, LONG_MS, taken), 0);
    /* what is leased goes on */
    assert_true(renew(world, &held, LONG_MS));
    finish(world, &held, 1);
    expect_stats(world, (int64_t[]){1, 0, 0, 0, 0});
    set_paused(world, false);
    set_paused(world, false);
    assert_false(stats(world).is_paused);
    assert_int_equal(take(world, 4, LONG_MS, taken), 1);
}

static void test_time_goes_on_in_a_paused_queue(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[4];
    push(world, 1, JOB_HIGH, 1, 0);
    assert_int_equal(take(world, 1, 1, taken), 1);
    push(world, 2, JOB_LOW, 1, 1);
    set_paused(world, true);
    while (stats(world).leased + stats(world).delayed > 0) {
        size_t count = take(world, 4, LONG_MS, taken);
        assert_int_equal(count, 0);
    }
    expect_stats(world, (int64_t[]){1, 0, 1, 0, 0});
    assert_int_equal(stats(world).expired, 1);
    set_paused(world, false);
    assert_int_equal(take(world, 4, LONG_MS, taken), 2);
    assert_int_equal(taken[0].job.image, 1);
    assert_int_equal(taken[0].lost_leases, 1);
}

static void test_going_on_wakes_those_who_wait(void **state)
{
    struct world *world = *state;
    struct await await = {.answers = 0};
    set_paused(world, true);
    push(world, 1, JOB_HIGH, 1, 0);
    queue_wait(world->queue, LONG_MS, await_done, &await);
    set_paused(world, false);
    assert_true(await_reached(world->loop, &await.answers, 1));
    assert_int_equal(await.err.code, ERR_NONE);
    /* with nothing to do nobody is woken */
    raw_do(world, "FLUSHALL");
    set_paused(world, true);
    set_paused(world, false);
    assert_int_equal(raw_integer(world, "DBSIZE"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many_are_pushed_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_many_wake_a_waiter, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_paused_queue_hands_out_nothing, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_time_goes_on_in_a_paused_queue, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_going_on_wakes_those_who_wait, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
