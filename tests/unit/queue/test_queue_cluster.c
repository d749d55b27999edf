// SPDX-License-Identifier: Apache-2.0
/* A Redis that is a cluster's node refuses a script whose keys lie on several: so no verb may touch a key beside its tag. */
#include "tests/unit/queue/queue_world.h"

#include <stdio.h>
#include <unistd.h>

enum { FIRST_PORT = 20000, PORTS = 20000, LOOK_MS = 10 };

static bool is_cluster_up(struct world *world)
{
    redisReply *reply = redisCommand(world->raw, "CLUSTER INFO");
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    bool is_up = strstr(reply->str, "cluster_state:ok") != NULL;
    freeReplyObject(reply);
    return is_up;
}

static int cluster_setup(void **state)
{
    char path[] = "/tmp/pixmill-cluster-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    fprintf(file, "cluster-enabled yes\nbind 127.0.0.1\ncluster-port %d\n",
            FIRST_PORT + (int)getpid() % PORTS);
    fclose(file);
    world_setup_of(state, QUICK_MS, "--include", path);
    unlink(path);
    raw_do(*state, "CLUSTER ADDSLOTSRANGE 0 16383");
    for (int looks = 0; !is_cluster_up(*state); looks++) {
        assert_in_range(looks, 0, QUICK_MS / LOOK_MS);
        uv_sleep(LOOK_MS);
    }
    return 0;
}

static void sweep(struct world *world, bool is_rebuild)
{
    struct await awaits[2] = {{.answers = 0}};
    struct queue_sweep found = {.is_ours = false};
    bool is_held = false;
    queue_sweep(world->queue, "a", LONG_MS, &found, await_done, &awaits[0]);
    expect_success(world, &awaits[0]);
    assert_true(found.is_ours);
    assert_int_equal(found.is_rebuild, is_rebuild);
    queue_sweep_mark(world->queue, "a", 0, true, LONG_MS, &is_held, await_done, &awaits[1]);
    expect_success(world, &awaits[1]);
    assert_true(is_held);
}

static void set_paused(struct world *world, bool is_paused)
{
    struct await await = {.answers = 0};
    queue_set_paused(world->queue, is_paused, await_done, &await);
    expect_success(world, &await);
}

static void test_every_verb_keeps_to_its_tag(void **state)
{
    struct world *world = *state;
    struct await awaits[4] = {{.answers = 0}};
    struct queue_taken taken[3];
    const struct queue_pushing many[] = {{.job = job_of(2, JOB_NORMAL), .uploader = 2},
                                         {.job = job_of(3, JOB_LOW), .uploader = 3}};
    const struct queue_worker worker = {.holder = "a", .state = "working"};
    struct queue_worker *found = calloc(QUEUE_WORKERS_MAX, sizeof *found);
    size_t count = 0;
    sweep(world, true);
    set_paused(world, true);
    push(world, 1, JOB_HIGH, 1, 0);
    push(world, 4, JOB_HIGH, 1, LONG_MS);
    queue_push_many(world->queue, many, 2, &count, await_done, &awaits[0]);
    expect_success(world, &awaits[0]);
    set_paused(world, false);
    queue_wait(world->queue, LONG_MS, await_done, &awaits[1]);
    expect_success(world, &awaits[1]);
    assert_int_equal(take(world, 3, LONG_MS, taken), 3);
    assert_true(renew(world, &taken[0].lease, LONG_MS));
    assert_true(retry(world, &taken[0].lease, &taken[0].job, 0));
    give_back(world, &taken[1].lease, 1);
    finish(world, &taken[2].lease, 1);
    expect_stats(world, (int64_t[]){1, 1, 0, 1, 0});
    queue_beat(world->queue, &worker, LONG_MS, await_done, &awaits[2]);
    expect_success(world, &awaits[2]);
    queue_workers(world->queue, found, &count, await_done, &awaits[3]);
    expect_success(world, &awaits[3]);
    assert_int_equal(count, 1);
    free(found);
    sweep(world, false);
    raw_do(world, "DEL {p}:leases {p}:ring:h"); /* and all is forgotten */
    sweep(world, true);
    expect_stats(world, (int64_t[]){0, 0, 0, 0, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_verb_keeps_to_its_tag, cluster_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
