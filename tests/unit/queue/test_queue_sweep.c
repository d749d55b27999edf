// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/queue/queue_world.h"

enum { AT_ONCE_MS = 1 };

static struct queue_sweep ask(struct world *world, const char *holder, uint64_t hold_ms)
{
    struct await await = {.answers = 0};
    struct queue_sweep sweep = {.after = -1};
    queue_sweep(world->queue, holder, hold_ms, &sweep, await_done, &await);
    expect_success(world, &await);
    return sweep;
}

static bool mark(struct world *world, const char *holder, int64_t after, bool is_done, uint64_t hold_ms)
{
    struct await await = {.answers = 0};
    bool is_held = false;
    queue_sweep_mark(world->queue, holder, after, is_done, hold_ms, &is_held, await_done, &await);
    expect_success(world, &await);
    return is_held;
}

static void expect_sweep(struct world *world, const char *holder, bool is_rebuild, int64_t after)
{
    struct queue_sweep sweep = ask(world, holder, LONG_MS);
    assert_true(sweep.is_ours);
    assert_int_equal(sweep.is_rebuild, is_rebuild);
    assert_int_equal(sweep.after, after);
}

static void rebuild(struct world *world)
{
    expect_sweep(world, "first", true, 0);
    assert_true(mark(world, "first", 0, true, LONG_MS));
}

static void test_the_first_sweep_is_a_rebuild(void **state)
{
    struct world *world = *state;
    expect_sweep(world, "a", true, 0);
    assert_true(mark(world, "a", 500, false, LONG_MS));
    expect_sweep(world, "a", true, 500); /* who has it may ask again */
    assert_true(mark(world, "a", 1000, true, LONG_MS));
    expect_sweep(world, "a", false, 0);
    assert_true(mark(world, "a", INT64_MAX, false, LONG_MS));
    expect_sweep(world, "a", false, INT64_MAX);
    assert_true(mark(world, "a", INT64_MIN, false, LONG_MS));
    expect_sweep(world, "a", false, INT64_MIN);
    assert_true(mark(world, "a", 0, true, LONG_MS));
    assert_int_equal(raw_integer(world, "EXISTS {p}:sweep"), 0);
    assert_false(mark(world, "a", 1, false, LONG_MS)); /* it is over */
    expect_sweep(world, "b", false, 0);
}

static void test_one_sweeps_at_a_time(void **state)
{
    struct world *world = *state;
    expect_sweep(world, "a", true, 0);
    assert_false(ask(world, "b", LONG_MS).is_ours);
    assert_false(mark(world, "b", 7, true, LONG_MS));
    assert_int_equal(raw_integer(world, "EXISTS {p}:epoch"), 0);
    assert_true(mark(world, "a", 9, false, LONG_MS));
    assert_false(ask(world, "b", LONG_MS).is_ours);
    assert_true(mark(world, "a", 9, true, LONG_MS));
    expect_sweep(world, "b", false, 0);
}

static void test_a_sweep_that_somebody_dropped_goes_on_where_it_was(void **state)
{
    struct world *world = *state;
    expect_sweep(world, "a", true, 0);
    assert_true(mark(world, "a", 123, false, AT_ONCE_MS));
    struct queue_sweep sweep = {.is_ours = false};
    while (!sweep.is_ours) {
        sweep = ask(world, "b", LONG_MS);
    }
    assert_true(sweep.is_rebuild);
    assert_int_equal(sweep.after, 123);
    assert_false(mark(world, "a", 456, false, LONG_MS));
    assert_false(mark(world, "a", 456, true, LONG_MS));
    expect_sweep(world, "b", true, 123);
}

static void test_a_late_mark_counts_while_nobody_asked(void **state)
{
    struct world *world = *state;
    assert_true(ask(world, "a", 0).is_ours);
    assert_true(mark(world, "a", 5, false, 0));
    assert_true(mark(world, "a", 6, true, 0));
    expect_sweep(world, "b", false, 0);
}

static void test_an_emptied_redis_is_rebuilt_from_the_start(void **state)
{
    struct world *world = *state;
    rebuild(world);
    expect_sweep(world, "a", false, 0);
    assert_true(mark(world, "a", 50, false, LONG_MS));
    raw_do(world, "FLUSHALL");
    assert_false(mark(world, "a", 60, false, LONG_MS));
    assert_false(mark(world, "a", 60, true, LONG_MS));
    expect_sweep(world, "a", true, 0);
    assert_true(mark(world, "a", 70, false, LONG_MS));
    raw_do(world, "FLUSHALL"); /* in mid-rebuild */
    assert_false(mark(world, "a", 80, true, LONG_MS));
    expect_sweep(world, "b", true, 0);
}

static void test_an_epoch_that_is_gone_ends_the_sweep_of_before(void **state)
{
    struct world *world = *state;
    rebuild(world);
    expect_sweep(world, "a", false, 0);
    assert_true(mark(world, "a", 50, false, LONG_MS));
    raw_do(world, "DEL {p}:epoch");
    assert_false(mark(world, "a", 60, true, LONG_MS));
    expect_sweep(world, "b", true, 0);
    assert_false(mark(world, "a", 60, true, LONG_MS));
}

static void test_a_restored_redis_is_rebuilt_from_the_start(void **state)
{
    struct world *world = *state;
    rebuild(world);
    raw_do(world, "SAVE");
    restart_redis(world);
    assert_int_equal(raw_integer(world, "EXISTS {p}:epoch"), 1); /* of the one before */
    expect_sweep(world, "a", true, 0);
    assert_true(mark(world, "a", 900, false, LONG_MS));
    raw_do(world, "SAVE"); /* holds a rebuild that is half done */
    restart_redis(world);
    assert_int_equal(raw_integer(world, "EXISTS {p}:sweep"), 1);
    assert_false(mark(world, "a", 950, true, LONG_MS));
    expect_sweep(world, "b", true, 0); /* at once, although a's time is not over */
    assert_true(mark(world, "b", 10, true, LONG_MS));
    expect_sweep(world, "b", false, 0);
}

static void test_a_master_that_was_away_is_rebuilt(void **state)
{
    struct world *world = *state;
    rebuild(world);
    /* it was a replica for a while, of whom matters not, and may have got other data: the run id is the same */
    raw_do(world, "REPLICAOF 127.0.0.1 1");
    raw_do(world, "REPLICAOF NO ONE");
    expect_sweep(world, "a", true, 0);
}

static void test_a_spoiled_sweep_starts_again(void **state)
{
    struct world *world = *state;
    expect_sweep(world, "a", true, 0);
    raw_do(world, "HSET {p}:sweep after x until_ms y");
    expect_sweep(world, "b", true, 0);
    raw_do(world, "HDEL {p}:sweep holder");
    expect_sweep(world, "c", true, 0);
}

/* Loses a part of what Redis holds; the next sweep has to find it, and what is pushed then has to come out, each job once. */
static void lose(struct world *world, const char *command, bool is_found_by_take)
{
    enum { JOBS = 6 };
    struct queue_taken taken[QUEUE_TAKE_MAX + 2];
    raw_do(world, "FLUSHALL");
    rebuild(world);
    for (int64_t i = 1; i <= JOBS; i++) {
        push(world, i, (enum job_class)(i % 2), i % 2, i == JOBS ? LONG_MS : 0);
    }
    assert_int_equal(take(world, 2, LONG_MS, taken), 2);
    expect_sweep(world, "a", false, 0); /* whole as yet */
    raw_do(world, command);
    if (is_found_by_take) {
        assert_int_equal(take(world, QUEUE_TAKE_MAX, LONG_MS, &taken[2]), 0);
    }
    expect_sweep(world, "b", true, 0);
    assert_false(mark(world, "a", 1, true, LONG_MS));
    for (int64_t i = 1; i <= JOBS; i++) {
        push(world, i, (enum job_class)(i % 2), i % 2, 0);
    }
    expect_sweep(world, "b", true, 0); /* whole again */
    finish(world, &taken[0].lease, 1); /* of before */
    assert_int_equal(take(world, QUEUE_TAKE_MAX, LONG_MS, taken), JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        assert_true(taken[i].is_known);
        finish(world, &taken[i].lease, 1);
    }
    assert_int_equal(stats(world).jobs, 0);
    assert_true(mark(world, "b", 0, true, LONG_MS));
    expect_sweep(world, "a", false, 0);
}

static void test_a_redis_that_threw_keys_away_is_rebuilt(void **state)
{
    static const char *const losses[] = {
        "DEL {p}:jobs",
        "DEL {p}:ring:n",
        "DEL {p}:ring:h {p}:ring:n",
        "DEL {p}:leases",
        "DEL {p}:leases {p}:fences",
        "DEL {p}:delayed",
        "DEL {p}:counts",
        "HDEL {p}:jobs 6.1",
        "SET {p}:jobs wrong",
        "SET {p}:delayed wrong",
        "HSET {p}:counts n wrong",
        "COPY {p}:counts {p}:ring:h REPLACE", /* an operator's slip: of another type */
        "COPY {p}:counts {p}:wake REPLACE",
        "COPY {p}:counts {p}:fence REPLACE",
        "COPY {p}:counts {p}:turn REPLACE",
        "COPY {p}:counts {p}:epoch REPLACE",
        "COPY {p}:counts {p}:workers REPLACE",
        "SET {p}:sweep wrong",
        "SET {p}:fences wrong",
        "SET {p}:lost wrong",
        "SET {p}:reports wrong",
    };
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        lose(*state, losses[i], false);
    }
    lose(*state, "DEL {p}:line:n:1", true);
}

static void test_redis_is_not_held_up_by_what_it_forgets(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    rebuild(world);
    (void)raw_script(world,
                     "for i = 1, 2000 do "
                     "redis.call('HSET', '{p}:jobs', i, 'h:1:x') redis.call('RPUSH', '{p}:line:h:7', i) "
                     "end return 1");
    raw_do(world, "CONFIG RESETSTAT");
    expect_sweep(world, "a", true, 0);
    assert_int_equal(raw_integer(world, "EXISTS {p}:jobs {p}:line:h:7"), 0);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 0);
    /* what is large is freed beside the commands of others */
    redisReply *reply = redisCommand(world->raw, "INFO memory");
    assert_non_null(strstr(reply->str, "lazyfreed_objects:"));
    assert_null(strstr(reply->str, "lazyfreed_objects:0\r"));
    freeReplyObject(reply);
}

static void test_what_is_forgotten_is_of_this_queue_alone(void **state)
{
    struct world *world = *state;
    struct await await = {.answers = 0};
    struct queue_sweep sweep = {.is_ours = false};
    struct queue *greedy = queue_new(world->loop, world->verbs, world->waits, "[a-z]*");
    struct queue_taken taken;
    push(world, 1, JOB_HIGH, 1, 0);
    raw_do(world, "HSET {[a-z]*}:jobs 1.1 h:1:x");
    raw_do(world, "RPUSH {[a-z]*}:line:h:1 1.1");
    queue_sweep(greedy, "a", LONG_MS, &sweep, await_done, &await);
    expect_success(world, &await);
    assert_true(sweep.is_ours);
    assert_int_equal(raw_integer(world, "EXISTS {[a-z]*}:jobs {[a-z]*}:line:h:1"), 0);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    queue_free(greedy);
}

static void test_a_holder_of_a_time_to_come_is_followed(void **state)
{
    struct world *world = *state;
    expect_sweep(world, "a", true, 0);
    assert_true(mark(world, "a", 77, false, LONG_MS));
    assert_false(ask(world, "b", LONG_MS).is_ours);
    /* as it stands there when the clock has gone back by a day */
    raw_do(world, "HINCRBY {p}:sweep until_ms 86400000");
    expect_sweep(world, "b", true, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_first_sweep_is_a_rebuild, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_one_sweeps_at_a_time, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_sweep_that_somebody_dropped_goes_on_where_it_was, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_late_mark_counts_while_nobody_asked, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_an_emptied_redis_is_rebuilt_from_the_start, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_an_epoch_that_is_gone_ends_the_sweep_of_before, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_restored_redis_is_rebuilt_from_the_start, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_master_that_was_away_is_rebuilt, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_redis_that_threw_keys_away_is_rebuilt, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_spoiled_sweep_starts_again, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_redis_is_not_held_up_by_what_it_forgets, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_forgotten_is_of_this_queue_alone, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_holder_of_a_time_to_come_is_followed, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
