// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/queue/queue_world.h"

enum { DEADLINE_MS = 300, SOON_MS = 20 };

static int hasty_setup(void **state)
{
    return world_setup_with(state, DEADLINE_MS);
}

static void flush_scripts(struct world *world)
{
    redisReply *reply = redisCommand(world->raw, "SCRIPT FLUSH");
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
}

static void test_every_verb_survives_forgotten_scripts(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    const struct job job = job_of(1, JOB_HIGH);
    for (int round = 0; round < 2; round++) {
        push(world, 1, JOB_HIGH, 1, 0);
        flush_scripts(world);
        push(world, 2, JOB_HIGH, 1, 0);
        flush_scripts(world);
        assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
        assert_int_equal(taken.job.image, 1);
        flush_scripts(world);
        assert_true(renew(world, &taken.lease, LONG_MS));
        flush_scripts(world);
        assert_true(retry(world, &taken.lease, &job, LONG_MS));
        assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
        flush_scripts(world);
        give_back(world, &taken.lease, 1);
        assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
        flush_scripts(world);
        finish(world, &taken.lease, 1);
        push(world, 3, JOB_HIGH, 1, 0);
        assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
        flush_scripts(world);
        finish(world, &taken.lease, 1);
        flush_scripts(world);
        expect_stats(world, (int64_t[]){0, 0, 0, 1, 0});
        freeReplyObject(redisCommand(world->raw, "FLUSHALL"));
    }
}

static void test_a_killed_redis_is_told_and_comes_back(void **state)
{
    struct world *world = *state;
    struct await pending[2] = {{.answers = 0}};
    struct queue_taken taken;
    size_t count = 77;
    const struct job job = job_of(2, JOB_HIGH);
    push(world, 1, JOB_HIGH, 1, 0);
    redis_server_stall(world->server);
    queue_push(world->queue, &job, 1, 0, await_done, &pending[0]);
    queue_take(world->queue, 1, LONG_MS, &taken, &count, await_done, &pending[1]);
    redis_server_kill(world->server);
    assert_true(await_reached(world->loop, &pending[1].answers, 1));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pending[i].answers, 1);
        assert_int_equal(pending[i].err.code, ERR_QUEUE);
    }
    assert_int_equal(count, 77);
    redis_server_again(world->server);
    /* an empty one, which knows no script; what is owed is pushed again by whoever knows */
    push(world, 2, JOB_HIGH, 1, 0);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    assert_int_equal(taken.job.image, 2);
}

static void test_a_stalled_redis_meets_the_deadline(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    struct await await = {.answers = 0};
    size_t count = 0;
    assert_int_equal(stats(world).jobs, 0);
    redis_server_stall(world->server);
    queue_take(world->queue, 1, LONG_MS, &taken, &count, await_done, &await);
    assert_true(await_reached(world->loop, &await.answers, 1));
    assert_int_equal(await.err.code, ERR_QUEUE);
    assert_non_null(strstr(await.err.sentence, "take"));
    redis_server_wake(world->server);
    push(world, 1, JOB_HIGH, 1, 0);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
}

static void test_an_error_of_redis_is_an_error_of_the_verb(void **state)
{
    struct world *world = *state;
    struct await await = {.answers = 0};
    const struct job job = job_of(2, JOB_HIGH);
    freeReplyObject(redisCommand(world->raw, "SET {p}:jobs wrong"));
    queue_push(world->queue, &job, 1, 0, await_done, &await);
    assert_true(await_reached(world->loop, &await.answers, 1));
    assert_int_equal(await.err.code, ERR_QUEUE);
    assert_non_null(strstr(await.err.sentence, "push"));
    assert_non_null(strstr(await.err.sentence, "WRONGTYPE"));
}

static void test_a_job_without_payload_is_passed_over(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[2];
    push(world, 1, JOB_HIGH, 1, 0);
    push(world, 2, JOB_HIGH, 1, 0);
    freeReplyObject(redisCommand(world->raw, "HDEL {p}:jobs 1.1"));
    size_t count = take(world, 2, LONG_MS, taken);
    assert_int_equal(count, 1);
    assert_int_equal(taken[0].job.image, 2);
    expect_stats(world, (int64_t[]){0, 0, 0, 0, 1});
}

static void start_wait(struct world *world, uint64_t timeout_ms, struct await *await)
{
    *await = (struct await){.answers = 0};
    queue_wait(world->queue, timeout_ms, await_done, await);
    assert_int_equal(await->answers, 0);
}

static void test_a_push_wakes_a_waiter(void **state)
{
    struct world *world = *state;
    struct await await;
    struct queue_taken taken[4];
    start_wait(world, LONG_MS, &await);
    /* the waiter sleeps inside Redis before the push comes */
    while (
        raw_integer(
            world,
            "EVAL return(tonumber(string.match(redis.call('INFO','clients'),'blocked_clients:(%%d+)'))) 0") ==
        0) {
        uv_run(loop_uv(world->loop), UV_RUN_NOWAIT);
    }
    push(world, 1, JOB_LOW, 1, 0);
    assert_true(await_reached(world->loop, &await.answers, 1));
    assert_int_equal(await.err.code, ERR_NONE);
    /* a push of before is not missed either */
    push(world, 2, JOB_LOW, 1, 0);
    start_wait(world, LONG_MS, &await);
    assert_true(await_reached(world->loop, &await.answers, 1));
    assert_int_equal(await.err.code, ERR_NONE);
    /* after everything was taken nobody is woken for nothing */
    push(world, 3, JOB_LOW, 1, 0);
    assert_int_equal(take(world, 4, LONG_MS, taken), 3);
    assert_int_equal(raw_integer(world, "EXISTS {p}:wake"), 0);
}

static void test_a_wait_ends_without_a_push(void **state)
{
    struct world *world = *state;
    struct await await;
    for (uint64_t timeout_ms = 0; timeout_ms <= SOON_MS; timeout_ms += SOON_MS) {
        start_wait(world, timeout_ms, &await);
        assert_true(await_reached(world->loop, &await.answers, 1));
        assert_int_equal(await.err.code, ERR_NONE);
    }
    assert_int_equal(redis_losses(world->waits), 0);
}

static void test_tokens_are_bounded(void **state)
{
    struct world *world = *state;
    for (int64_t i = 0; i < 100; i++) {
        push(world, 1 + i, JOB_LOW, 1, 0);
    }
    assert_int_equal(raw_integer(world, "LLEN {p}:wake"), 64);
}

static void test_what_gets_due_wakes_the_others(void **state)
{
    struct world *world = *state;
    struct await await;
    struct queue_taken taken;
    for (int64_t i = 0; i < 3; i++) {
        push(world, 1 + i, JOB_LOW, 1, LONG_MS);
    }
    /* they wake nobody before they are due */
    assert_int_equal(raw_integer(world, "EXISTS {p}:wake"), 0);
    assert_int_equal(raw_integer(world, "ZADD {p}:delayed XX CH 1 1.1 1 2.1 1 3.1"), 3);
    /* one worker looks and takes one; the two that are left are for those who wait */
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    start_wait(world, LONG_MS, &await);
    assert_true(await_reached(world->loop, &await.answers, 1));
    assert_int_equal(await.err.code, ERR_NONE);
}

static void test_a_waiter_hears_of_a_dead_redis(void **state)
{
    struct world *world = *state;
    struct await await;
    assert_int_equal(stats(world).jobs, 0);
    start_wait(world, SOON_MS, &await);
    assert_true(await_reached(world->loop, &await.answers, 1));
    start_wait(world, LONG_MS, &await);
    redis_server_kill(world->server);
    assert_true(await_reached(world->loop, &await.answers, 1));
    assert_int_equal(await.err.code, ERR_QUEUE);
    redis_server_again(world->server);
    start_wait(world, SOON_MS, &await);
    assert_true(await_reached(world->loop, &await.answers, 1));
    assert_int_equal(await.err.code, ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_verb_survives_forgotten_scripts, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_killed_redis_is_told_and_comes_back, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_stalled_redis_meets_the_deadline, hasty_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_an_error_of_redis_is_an_error_of_the_verb, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_job_without_payload_is_passed_over, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_push_wakes_a_waiter, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_wait_ends_without_a_push, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_tokens_are_bounded, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_what_gets_due_wakes_the_others, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_waiter_hears_of_a_dead_redis, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
