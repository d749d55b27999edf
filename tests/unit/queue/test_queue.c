// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/queue/queue_world.h"

static void test_a_job_comes_out_as_it_went_in(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    struct job job = job_of(42, JOB_NORMAL);
    push(world, 42, JOB_NORMAL, 7, 0);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    assert_string_equal(taken.lease.id, "42.1");
    assert_true(taken.lease.fence > 0);
    assert_true(taken.is_known);
    assert_int_equal(taken.lost_leases, 0);
    assert_int_equal(taken.job.image, job.image);
    assert_int_equal(taken.job.class, JOB_NORMAL);
    assert_int_equal(taken.job.enqueued_at_ms, job.enqueued_at_ms);
    assert_string_equal(taken.job.trace, job.trace);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 0);
}

static void test_pushing_twice_is_pushing_once(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    push(world, 1, JOB_HIGH, 1, 0);
    push(world, 1, JOB_HIGH, 1, 0);
    push(world, 1, JOB_LOW, 2, 5);
    expect_stats(world, (int64_t[]){1, 0, 0, 0, 0});
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    push(world, 1, JOB_HIGH, 1, 0); /* while it is leased */
    expect_stats(world, (int64_t[]){0, 0, 0, 0, 1});
    finish(world, &taken.lease, 1);
    push(world, 1, JOB_HIGH, 1, 0); /* a finished one is forgotten */
    expect_stats(world, (int64_t[]){1, 0, 0, 0, 0});
}

static void push_range(struct world *world, enum job_class class, int64_t first, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        push(world, first + i, class, 1, 0);
    }
}

/* Takes `count` jobs in batches of `most` and counts the classes of each ten. */
static void expect_weights(struct world *world, size_t most, const int expected[3])
{
    struct queue_taken taken[QUEUE_TAKE_MAX];
    int seen[3] = {0};
    for (size_t done = 0; done < 10;) {
        size_t count = take(world, most < 10 - done ? most : 10 - done, LONG_MS, taken);
        assert_true(count > 0);
        for (size_t i = 0; i < count; i++) {
            seen[taken[i].job.class]++;
        }
        done += count;
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(seen[i], expected[i]);
    }
}

static void test_classes_have_weights(void **state)
{
    struct world *world = *state;
    push_range(world, JOB_HIGH, 1000, 40);
    push_range(world, JOB_NORMAL, 2000, 40);
    push_range(world, JOB_LOW, 3000, 40);
    /* wherever the ten start, and whatever the batches */
    expect_weights(world, 1, (const int[]){7, 2, 1});
    expect_weights(world, 10, (const int[]){7, 2, 1});
    expect_weights(world, 3, (const int[]){7, 2, 1});
}

static void test_an_empty_class_passes_its_turn_on(void **state)
{
    struct world *world = *state;
    push_range(world, JOB_LOW, 3000, 30);
    expect_weights(world, 1, (const int[]){0, 0, 10});
    push_range(world, JOB_NORMAL, 2000, 20);
    expect_weights(world, 4, (const int[]){0, 9, 1});
    push_range(world, JOB_HIGH, 1000, 20);
    expect_weights(world, 1, (const int[]){7, 2, 1});
    expect_stats(world, (int64_t[]){13, 9, 18, 0, 30});
}

static void test_a_live_upload_does_not_wait_for_a_campaign(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[2];
    push_range(world, JOB_LOW, 3000, 100);
    for (int64_t round = 0; round < 20; round++) {
        push(world, 1000 + round, JOB_HIGH, 1, 0);
        assert_int_equal(take(world, 2, LONG_MS, taken), 2);
        /* one turn of low may come first, never two */
        assert_true(taken[0].job.class == JOB_HIGH || taken[1].job.class == JOB_HIGH);
    }
}

static void test_uploaders_take_turns(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[QUEUE_TAKE_MAX];
    static const int64_t order[] = {100, 200, 300, 101, 301, 102, 103, 104};
    for (int64_t i = 0; i < 5; i++) {
        push(world, 100 + i, JOB_HIGH, 1, 0);
    }
    push(world, 200, JOB_HIGH, 2, 0);
    push(world, 300, JOB_HIGH, 3, 0);
    push(world, 301, JOB_HIGH, 3, 0);
    assert_int_equal(take(world, QUEUE_TAKE_MAX, LONG_MS, taken), 8);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(taken[i].job.image, order[i]);
        for (size_t j = 0; j < i; j++) {
            assert_true(taken[i].lease.fence != taken[j].lease.fence);
        }
    }
}

static void test_a_wait_ends_when_what_was_foreseen_is_due(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    push(world, 1, JOB_HIGH, 1, 20);
    push(world, 2, JOB_HIGH, 1, LONG_MS);
    for (size_t count = take(world, 1, LONG_MS, &taken); count == 0;
         count = take(world, 1, LONG_MS, &taken)) {
        struct await await = {.answers = 0};
        queue_wait(world->queue, LONG_MS, await_done, &await);
        expect_success(world, &await);
    }
    assert_int_equal(taken.job.image, 1);
    /* who waits already is told of a retry, and foresees that one */
    struct await waits = {.answers = 0};
    queue_wait(world->queue, LONG_MS, await_done, &waits);
    assert_true(retry(world, &taken.lease, &taken.job, 20));
    assert_true(await_reached(world->loop, &waits.answers, 1));
    taken = take_when_due(world, LONG_MS);
    assert_int_equal(taken.job.image, 1);
    /* a lease that runs out is foreseen as well */
    assert_true(renew(world, &taken.lease, 20));
    assert_int_equal(take(world, 1, LONG_MS, &taken), 0);
    struct await await = {.answers = 0};
    queue_wait(world->queue, LONG_MS, await_done, &await);
    expect_success(world, &await);
    assert_int_equal(take_when_due(world, LONG_MS).job.image, 1);
}

static void test_delayed_jobs_wait(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    push(world, 1, JOB_HIGH, 1, LONG_MS);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 0);
    expect_stats(world, (int64_t[]){0, 0, 0, 1, 0});
    push(world, 2, JOB_LOW, 1, 10);
    taken = take_when_due(world, LONG_MS);
    assert_int_equal(taken.job.image, 2);
    expect_stats(world, (int64_t[]){0, 0, 0, 1, 1});
}

static void test_nothing_finished_stays(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[QUEUE_TAKE_MAX];
    struct queue_lease leases[QUEUE_TAKE_MAX];
    for (int64_t i = 0; i < 100; i++) {
        push(world, 1 + i, (enum job_class)(i % 3), i % 7, i % 5 == 0 ? 1 : 0);
    }
    for (int finished = 0; finished < 100;) {
        size_t count = take(world, QUEUE_TAKE_MAX, LONG_MS, taken);
        for (size_t i = 0; i < count; i++) {
            leases[i] = taken[i].lease;
        }
        finish(world, leases, count);
        finished += (int)count;
    }
    expect_stats(world, (int64_t[]){0, 0, 0, 0, 0});
    assert_int_equal(take(world, 1, LONG_MS, taken), 0);
    /* the last token, the last turn, and the counts are all that is left */
    assert_int_equal(raw_integer(world, "EXISTS {p}:fence {p}:turn {p}:counts"), 3);
    assert_int_equal(raw_integer(world, "DBSIZE"), 3);
}

static long long memory_of(struct world *world, const char *key)
{
    char command[64];
    snprintf(command, sizeof command, "MEMORY USAGE %s SAMPLES 0", key);
    return raw_integer(world, command);
}

static void test_a_pending_job_costs_at_most_200_bytes(void **state)
{
    enum { JOBS = 10000 };
    struct world *world = *state;
    struct await await = {.answers = 0};
    for (int64_t pushed = 0; pushed < JOBS;) {
        for (int64_t end = pushed + 1000; pushed < end; pushed++) {
            const struct job job = job_of(123456789 + pushed, JOB_HIGH);
            queue_push(world->queue, &job, 12, 0, await_done, &await);
        }
        assert_true(await_reached(world->loop, &await.answers, (int)pushed));
        assert_int_equal(await.err.code, ERR_NONE);
    }
    assert_int_equal(raw_integer(world, "HLEN {p}:jobs"), JOBS);
    long long bytes = memory_of(world, "{p}:jobs") + memory_of(world, "{p}:line:h:12");
    print_message("a pending job costs %.1f bytes\n", (double)bytes / JOBS);
    assert_in_range(bytes, 1, 200 * JOBS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_job_comes_out_as_it_went_in, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_pushing_twice_is_pushing_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_classes_have_weights, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_class_passes_its_turn_on, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_live_upload_does_not_wait_for_a_campaign, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_uploaders_take_turns, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_wait_ends_when_what_was_foreseen_is_due, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_delayed_jobs_wait, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_finished_stays, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_pending_job_costs_at_most_200_bytes, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
