// SPDX-License-Identifier: Apache-2.0
/* A Redis that is there and refuses: its memory is full, it is a replica, it loads its data. */
#include "tests/unit/queue/queue_world.h"

enum { JOBS = 6, KEYS = 100, VALUE_BYTES = 65536 };

static void fill_redis(struct world *world)
{
    raw_do(world, "CONFIG SET maxmemory-policy noeviction");
    raw_do(world, "CONFIG SET maxmemory 1");
}

static void expect_refused(struct world *world, const struct await *await, const char *why)
{
    assert_true(await_reached(world->loop, &await->answers, 1));
    assert_int_equal(await->err.code, ERR_QUEUE);
    assert_non_null(strstr(await->err.sentence, why));
}

static void expect_push_refused(struct world *world, int64_t image, const char *why)
{
    struct await await = {.answers = 0};
    const struct job job = job_of(image, JOB_HIGH);
    queue_push(world->queue, &job, 1, 0, await_done, &await);
    expect_refused(world, &await, why);
    struct queue_pushing many[2] = {{.job = job}, {.job = job_of(image + 1, JOB_LOW)}};
    size_t added = 77;
    await = (struct await){.answers = 0};
    queue_push_many(world->queue, many, 2, &added, await_done, &await);
    expect_refused(world, &await, why);
    assert_int_equal(added, 77);
}

static void test_a_full_redis_takes_no_jobs(void **state)
{
    struct world *world = *state;
    push(world, 1, JOB_HIGH, 1, 0);
    fill_redis(world);
    expect_push_refused(world, 2, "OOM");
    /* nothing of it was done, and it is not remembered as pending */
    expect_stats(world, (int64_t[]){1, 0, 0, 0, 0});
    expect_push_refused(world, 1, "OOM");
    raw_do(world, "CONFIG SET maxmemory 0");
    push(world, 2, JOB_HIGH, 1, 0);
    expect_stats(world, (int64_t[]){2, 0, 0, 0, 0});
}

static void test_a_full_redis_is_worked_off(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[JOBS];
    for (int64_t i = 0; i < JOBS - 1; i++) {
        push(world, 1 + i, JOB_HIGH, 1, 0);
    }
    push(world, JOBS, JOB_HIGH, 1, 1);
    fill_redis(world);
    raw_do(world, "SCRIPT FLUSH");
    size_t count = 0;
    while (count < JOBS) { /* the last one by promotion */
        count += take(world, JOBS - count, LONG_MS, taken + count);
    }
    assert_true(renew(world, &taken[0].lease, LONG_MS));
    finish(world, &taken[0].lease, 1);
    assert_true(retry(world, &taken[1].lease, &taken[1].job, LONG_MS));
    assert_true(retry(world, &taken[2].lease, &taken[2].job, 0));
    const struct queue_lease given[] = {taken[3].lease, taken[4].lease};
    give_back(world, given, 2);
    expect_stats(world, (int64_t[]){3, 0, 0, 1, 1});
    finish(world, &taken[5].lease, 1);
    /* leases run out */
    assert_int_equal(take(world, JOBS, 1, taken), 3);
    while (stats(world).leased > 0) {
        count = take(world, 0, LONG_MS, taken);
        assert_int_equal(count, 0);
    }
    expect_stats(world, (int64_t[]){3, 0, 0, 1, 0});
    assert_int_equal(take(world, JOBS, LONG_MS, taken), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(taken[i].lost_leases, 1);
        finish(world, &taken[i].lease, 1);
    }
    expect_stats(world, (int64_t[]){0, 0, 0, 1, 0});
    assert_int_equal(stats(world).finished, 5);
}

static void test_a_full_redis_is_paused_and_swept(void **state)
{
    struct world *world = *state;
    struct await awaits[5] = {{.answers = 0}};
    struct queue_sweep sweep = {.is_ours = false};
    struct queue_worker worker = {.holder = "a"};
    struct queue_worker *found = calloc(QUEUE_WORKERS_MAX, sizeof *found);
    bool is_held = false;
    size_t count = 0;
    fill_redis(world);
    queue_set_paused(world->queue, true, await_done, &awaits[0]);
    queue_sweep(world->queue, "a", LONG_MS, &sweep, await_done, &awaits[1]);
    queue_sweep_mark(world->queue, "a", 0, true, LONG_MS, &is_held, await_done, &awaits[2]);
    queue_beat(world->queue, &worker, LONG_MS, await_done, &awaits[3]);
    queue_workers(world->queue, found, &count, await_done, &awaits[4]);
    for (size_t i = 0; i < 5; i++) {
        assert_true(await_reached(world->loop, &awaits[i].answers, 1));
        assert_string_equal(awaits[i].err.sentence, "");
    }
    assert_true(stats(world).is_paused);
    assert_true(sweep.is_ours);
    assert_true(is_held);
    assert_int_equal(count, 1);
    free(found);
}

static void test_a_replica_refuses_until_it_is_master(void **state)
{
    struct world *world = *state;
    struct await awaits[3] = {{.answers = 0}};
    struct queue_taken taken;
    size_t count = 77;
    const struct job job = job_of(2, JOB_HIGH);
    push(world, 1, JOB_HIGH, 1, 0);
    raw_do(world, "REPLICAOF 127.0.0.1 1");
    queue_push(world->queue, &job, 1, 0, await_done, &awaits[0]);
    expect_refused(world, &awaits[0], "READONLY");
    queue_take(world->queue, 1, LONG_MS, &taken, &count, await_done, &awaits[1]);
    expect_refused(world, &awaits[1], "READONLY");
    assert_int_equal(count, 77);
    queue_wait(world->queue, LONG_MS, await_done, &awaits[2]);
    expect_refused(world, &awaits[2], "READONLY");
    /* each time the connection was made anew, in case the name leads to another by now */
    assert_int_equal(redis_losses(world->verbs), 2);
    raw_do(world, "REPLICAOF NO ONE");
    push(world, 2, JOB_HIGH, 1, 0);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    assert_int_equal(taken.job.image, 1);
}

/* Redis' own means to make loading slow: microseconds a key. */
static int slow_setup(void **state)
{
    return world_setup_of(state, QUICK_MS, "--key-load-delay", "5000");
}

static void test_a_loading_redis_is_waited_for(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    char value[VALUE_BYTES];
    memset(value, 'x', sizeof value);
    push(world, 1, JOB_HIGH, 1, 0);
    raw_do(world,
           "CONFIG SET rdbcompression no"); /* it listens to nobody before it has read some megabytes */
    for (int i = 0; i < KEYS; i++) {
        freeReplyObject(redisCommand(world->raw, "SET key-%d %b", i, value, sizeof value));
    }
    raw_do(world, "SAVE");
    restart_redis(world);
    /* it listens, and says LOADING to everybody for a while */
    redisReply *reply = redisCommand(world->raw, "GET key-1");
    assert_int_equal(reply->type, REDIS_REPLY_ERROR);
    assert_non_null(strstr(reply->str, "LOADING"));
    freeReplyObject(reply);
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    assert_int_equal(taken.job.image, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_full_redis_takes_no_jobs, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_full_redis_is_worked_off, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_full_redis_is_paused_and_swept, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_replica_refuses_until_it_is_master, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_loading_redis_is_waited_for, slow_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
