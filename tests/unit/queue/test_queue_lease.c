// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/queue/queue_world.h"

enum { SOON_MS = 10 };

/* A lease that ran out and was taken over: *stale is the old token, the result the new one. */
static struct queue_taken taken_over(struct world *world, struct queue_lease *stale)
{
    struct queue_taken taken;
    push(world, 5, JOB_NORMAL, 3, 0);
    assert_int_equal(take(world, 1, SOON_MS, &taken), 1);
    *stale = taken.lease;
    taken = take_when_due(world, LONG_MS);
    assert_string_equal(taken.lease.id, stale->id);
    assert_true(taken.lease.fence != stale->fence);
    return taken;
}

static void test_a_lost_lease_is_taken_over_and_its_token_is_stale(void **state)
{
    struct world *world = *state;
    struct queue_lease stale;
    struct queue_taken taken = taken_over(world, &stale);
    const struct job job = job_of(5, JOB_LOW);
    assert_int_equal(taken.lost_leases, 1);

    assert_false(renew(world, &stale, LONG_MS));
    assert_false(retry(world, &stale, &job, 0));
    finish(world, &stale, 1);
    give_back(world, &stale, 1);
    expect_stats(world, (int64_t[]){0, 0, 0, 0, 1});

    assert_true(renew(world, &taken.lease, LONG_MS));
    finish(world, &taken.lease, 1);
    expect_stats(world, (int64_t[]){0, 0, 0, 0, 0});
    assert_int_equal(raw_integer(world, "EXISTS {p}:lost {p}:fences"), 0);
}

static void test_a_stale_token_does_nothing_while_nobody_holds_the_job(void **state)
{
    struct world *world = *state;
    struct queue_lease stale;
    struct queue_taken taken = taken_over(world, &stale);
    give_back(world, &taken.lease, 1);
    finish(world, &stale, 1);
    finish(world, &taken.lease, 1);
    expect_stats(world, (int64_t[]){0, 1, 0, 0, 0});
}

static void test_each_lost_lease_is_counted(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    push(world, 5, JOB_NORMAL, 3, 0);
    for (int lost = 0; lost < 4; lost++) {
        taken = take_when_due(world, SOON_MS);
        assert_int_equal(taken.lost_leases, lost);
    }
    /* a retry writes the counts of its job, and starts anew here */
    taken = take_when_due(world, LONG_MS);
    assert_int_equal(taken.lost_leases, 4);
    taken.job.crashes += taken.lost_leases;
    assert_true(retry(world, &taken.lease, &taken.job, 0));
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    assert_int_equal(taken.lost_leases, 0);
    assert_int_equal(taken.job.crashes, 4);
}

static void test_renewing_keeps_a_lease_however_late(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[3];
    struct queue_lease leases[3];
    bool is_held[3] = {false};
    struct await await = {.answers = 0};
    for (int64_t i = 0; i < 3; i++) {
        push(world, 1 + i, JOB_HIGH, 1, 0);
    }
    assert_int_equal(take(world, 3, 1, taken), 3);
    for (size_t i = 0; i < 3; i++) {
        leases[i] = taken[i].lease;
    }
    finish(world, &leases[1], 1);
    /* run out by now, perhaps, but taken back only by a take */
    queue_renew(world->queue, leases, 3, LONG_MS, is_held, await_done, &await);
    expect_success(world, &await);
    assert_true(is_held[0]);
    assert_false(is_held[1]);
    assert_true(is_held[2]);
    assert_int_equal(take(world, 3, LONG_MS, taken), 0);
    expect_stats(world, (int64_t[]){0, 0, 0, 0, 2});
}

static void test_a_retry_comes_back_with_its_counts(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    push(world, 5, JOB_LOW, 3, 0);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    taken.job.attempt = 2;
    assert_true(retry(world, &taken.lease, &taken.job, SOON_MS));
    expect_stats(world, (int64_t[]){0, 0, 0, 1, 0});
    assert_false(retry(world, &taken.lease, &taken.job, 0)); /* no lease any more */
    taken = take_when_due(world, LONG_MS);
    assert_int_equal(taken.job.attempt, 2);
    assert_true(retry(world, &taken.lease, &taken.job, 0));
    expect_stats(world, (int64_t[]){0, 0, 1, 0, 0});
}

static void test_what_is_given_back_comes_first_and_in_order(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[QUEUE_TAKE_MAX];
    struct queue_lease leases[3];
    for (int64_t i = 0; i < 6; i++) {
        push(world, 1 + i, JOB_HIGH, 1, 0);
    }
    assert_int_equal(take(world, 3, LONG_MS, taken), 3);
    for (size_t i = 0; i < 3; i++) {
        leases[i] = taken[i].lease;
    }
    give_back(world, leases, 3);
    give_back(world, leases, 3); /* stale by now */
    expect_stats(world, (int64_t[]){6, 0, 0, 0, 0});
    assert_int_equal(take(world, QUEUE_TAKE_MAX, LONG_MS, taken), 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(taken[i].job.image, i + 1);
        assert_int_equal(taken[i].lost_leases, 0);
    }
}

static void test_a_lost_job_comes_before_those_behind_it(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    push(world, 1, JOB_HIGH, 1, 0);
    push(world, 2, JOB_HIGH, 1, 0);
    assert_int_equal(take(world, 1, SOON_MS, &taken), 1);
    push(world, 3, JOB_HIGH, 9, 0);
    while (stats(world).leased > 0) {
        size_t count = take(world, 0, LONG_MS, &taken); /* takes nothing, but notices what ran out */
        assert_int_equal(count, 0);
    }
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    assert_int_equal(taken.job.image, 1);
}

static void test_a_job_of_an_unknown_version_is_told_and_can_be_finished(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    push(world, 8, JOB_HIGH, 1, 0);
    freeReplyObject(redisCommand(world->raw, "HSET {p}:jobs 8.1 %b", "h:1:\x81\xa1v\x02", (size_t)8));
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    assert_false(taken.is_known);
    assert_string_equal(taken.lease.id, "8.1");
    give_back(world, &taken.lease, 1);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    assert_false(taken.is_known);
    finish(world, &taken.lease, 1);
    expect_stats(world, (int64_t[]){0, 0, 0, 0, 0});
    /* pushed again, in a version that is known */
    push(world, 8, JOB_HIGH, 1, 0);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    assert_true(taken.is_known);
}

static void test_tokens_of_before_an_emptied_redis_are_stale(void **state)
{
    struct world *world = *state;
    struct queue_taken before;
    struct queue_taken after;
    push(world, 1, JOB_HIGH, 1, 0);
    assert_int_equal(take(world, 1, LONG_MS, &before), 1);
    freeReplyObject(redisCommand(world->raw, "FLUSHALL"));
    push(world, 1, JOB_HIGH, 1, 0);
    assert_int_equal(take(world, 1, LONG_MS, &after), 1);
    assert_string_equal(before.lease.id, after.lease.id);
    finish(world, &before.lease, 1);
    expect_stats(world, (int64_t[]){0, 0, 0, 0, 1});
    assert_true(renew(world, &after.lease, LONG_MS));
}

static uint64_t next_random(uint64_t *seed, uint64_t below)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (*seed >> 33) % below;
}

/* Does one of the verbs on a lease; most of the tokens are stale. */
static void do_something(struct world *world, uint64_t verb, const struct queue_lease *lease)
{
    const struct job job = job_of(1, JOB_NORMAL);
    switch (verb) {
    case 0:
        finish(world, lease, 1);
        break;
    case 1:
        give_back(world, lease, 1);
        break;
    case 2:
        retry(world, lease, &job, 0);
        break;
    case 3:
        retry(world, lease, &job, 3);
        break;
    default:
        renew(world, lease, 5);
        break;
    }
}

static void test_every_job_is_always_in_one_place(void **state)
{
    enum { ROUNDS = 1500, KEPT = 64, IMAGES = 40, VERBS = 5 };
    struct world *world = *state;
    struct queue_taken taken[4];
    struct queue_lease leases[KEPT] = {{.fence = 1}};
    uint64_t seed = 7;
    size_t next = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t choice = next_random(&seed, 10);
        if (choice < 4) {
            push(world, 1 + (int64_t)next_random(&seed, IMAGES), (enum job_class)next_random(&seed, 3),
                 (int64_t)next_random(&seed, 3), next_random(&seed, 4));
        } else if (choice < 7) {
            size_t count = take(world, 1 + next_random(&seed, 4), 1 + next_random(&seed, 10), taken);
            for (size_t i = 0; i < count; i++) {
                leases[next++ % KEPT] = taken[i].lease;
            }
        } else {
            do_something(world, next_random(&seed, VERBS), &leases[next_random(&seed, KEPT)]);
        }
        struct queue_stats found = stats(world);
        assert_int_equal(found.ready[0] + found.ready[1] + found.ready[2] + found.delayed + found.leased,
                         found.jobs);
        assert_int_equal(raw_integer(world, "HLEN {p}:fences"), found.leased);
    }
}

/* As Redis finds its keys when its clock has gone back: all that they say of time lies ahead. */
static void set_clock_back(struct world *world)
{
    (void)raw_script(world, "local day_ms = 86400000 "
                            "redis.call('INCRBY', '{p}:fence', day_ms * 1000) "
                            "for _, key in ipairs({'{p}:leases', '{p}:delayed'}) do "
                            "for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do "
                            "redis.call('ZINCRBY', key, day_ms, id) end end return 1");
}

static void test_a_clock_that_goes_back_leaves_no_job_behind(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[2];
    push(world, 1, JOB_HIGH, 1, 0);
    push(world, 2, JOB_HIGH, 1, 0);
    push(world, 3, JOB_HIGH, 1, LONG_MS);
    assert_int_equal(take(world, 2, LONG_MS, taken), 2);
    set_clock_back(world);
    /* whoever lives renews; the other one's worker is dead */
    assert_true(renew(world, &taken[0].lease, LONG_MS));
    struct queue_taken again = take_when_due(world, SOON_MS);
    assert_string_equal(again.lease.id, taken[1].lease.id);
    assert_true(again.lease.fence > taken[1].lease.fence);
    /* a wait is not longer than one that is begun now, by the second at which it is looked at */
    assert_int_equal(raw_script(world, "local due = tonumber(redis.call('ZSCORE', '{p}:delayed', '3.1')) "
                                       "return due <= (redis.call('TIME')[1] + 301) * 1000 and 1 or 0"),
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_lost_lease_is_taken_over_and_its_token_is_stale, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_stale_token_does_nothing_while_nobody_holds_the_job,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_each_lost_lease_is_counted, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_renewing_keeps_a_lease_however_late, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_retry_comes_back_with_its_counts, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_given_back_comes_first_and_in_order, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_lost_job_comes_before_those_behind_it, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_job_of_an_unknown_version_is_told_and_can_be_finished,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_tokens_of_before_an_emptied_redis_are_stale, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_every_job_is_always_in_one_place, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_goes_back_leaves_no_job_behind, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
