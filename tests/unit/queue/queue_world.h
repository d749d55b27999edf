// SPDX-License-Identifier: Apache-2.0
/*
 * A queue on a private Redis, and its verbs as calls that wait for their answer and expect success.
 */
#ifndef PIXMILL_TESTS_QUEUE_WORLD_H
#define PIXMILL_TESTS_QUEUE_WORLD_H

#include "common/net/loop.h"
#include "common/net/redis.h"
#include "common/queue/queue.h"
#include "tests/support/await.h"
#include "tests/support/redis_server.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { LONG_MS = 3600 * 1000, QUICK_MS = 30000 };

struct world {
    struct redis_server *server;
    struct loop *loop;
    struct redis *verbs;
    struct redis *waits;
    struct queue *queue;
    redisContext *raw; /* for looking at, and spoiling, what is stored */
    int closed;
};

/* option and value: a pair of Redis' own. */
static inline int world_setup_of(void **state, uint64_t command_timeout_ms, const char *option,
                                 const char *value)
{
    struct world *world = calloc(1, sizeof *world);
    world->server = redis_server_start(option, value);
    world->loop = loop_new(NULL);
    const struct redis_options options = {redis_server_url(world->server), QUICK_MS, command_timeout_ms};
    world->verbs = redis_open(world->loop, &options, NULL);
    world->waits = redis_open(world->loop, &options, NULL);
    assert_non_null(world->verbs);
    assert_non_null(world->waits);
    world->queue = queue_new(world->loop, world->verbs, world->waits, "p");
    world->raw = redisConnectUnix(redis_server_socket(world->server));
    assert_int_equal(world->raw->err, 0);
    *state = world;
    return 0;
}

static inline int world_setup_with(void **state, uint64_t command_timeout_ms)
{
    return world_setup_of(state, command_timeout_ms, "--databases", "1");
}

static inline int world_setup(void **state)
{
    return world_setup_with(state, QUICK_MS);
}

static inline int world_teardown(void **state)
{
    struct world *world = *state;
    redis_close(world->verbs, await_count, &world->closed);
    redis_close(world->waits, await_count, &world->closed);
    loop_run(world->loop);
    assert_int_equal(world->closed, 2);
    queue_free(world->queue);
    loop_free(world->loop);
    redisFree(world->raw);
    redis_server_stop(world->server);
    free(world);
    return 0;
}

static inline void expect_success(struct world *world, const struct await *await)
{
    assert_int_equal(await->answers, 0); /* never before the call has returned */
    assert_true(await_reached(world->loop, &await->answers, 1));
    if (await->err.code != ERR_NONE) {
        fail_msg("%s", await->err.sentence);
    }
    assert_int_equal(await->answers, 1);
}

static inline struct job job_of(int64_t image, enum job_class class)
{
    return (struct job){.type = JOB_PROCESS,
                        .image = image,
                        .generation = 1,
                        .class = class,
                        .enqueued_at_ms = 1790000000000,
                        .trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};
}

static inline void push(struct world *world, int64_t image, enum job_class class, int64_t uploader,
                        uint64_t delay_ms)
{
    struct await await = {.answers = 0};
    const struct job job = job_of(image, class);
    queue_push(world->queue, &job, uploader, delay_ms, await_done, &await);
    expect_success(world, &await);
}

static inline size_t take(struct world *world, size_t most, uint64_t lease_ms, struct queue_taken *taken)
{
    struct await await = {.answers = 0};
    size_t count = SIZE_MAX;
    queue_take(world->queue, most, lease_ms, taken, &count, await_done, &await);
    expect_success(world, &await);
    assert_in_range(count, 0, most);
    return count;
}

/* Takes again and again until there is one. */
static inline struct queue_taken take_when_due(struct world *world, uint64_t lease_ms)
{
    struct queue_taken taken;
    while (take(world, 1, lease_ms, &taken) == 0) {
    }
    return taken;
}

static inline void finish(struct world *world, const struct queue_lease *leases, size_t count)
{
    struct await await = {.answers = 0};
    queue_finish(world->queue, leases, count, await_done, &await);
    expect_success(world, &await);
}

static inline void give_back(struct world *world, const struct queue_lease *leases, size_t count)
{
    struct await await = {.answers = 0};
    queue_give_back(world->queue, leases, count, await_done, &await);
    expect_success(world, &await);
}

static inline bool renew(struct world *world, const struct queue_lease *lease, uint64_t lease_ms)
{
    struct await await = {.answers = 0};
    bool is_held = false;
    queue_renew(world->queue, lease, 1, lease_ms, &is_held, await_done, &await);
    expect_success(world, &await);
    return is_held;
}

static inline bool retry(struct world *world, const struct queue_lease *lease, const struct job *job,
                         uint64_t delay_ms)
{
    struct await await = {.answers = 0};
    bool is_held = false;
    queue_retry(world->queue, lease, job, delay_ms, &is_held, await_done, &await);
    expect_success(world, &await);
    return is_held;
}

static inline struct queue_stats stats(struct world *world)
{
    struct await await = {.answers = 0};
    struct queue_stats found = {.jobs = -1};
    queue_stats(world->queue, &found, await_done, &await);
    expect_success(world, &await);
    return found;
}

/* Checks ready high, normal, low; delayed, leased; and that these are all the jobs that are kept. */
static inline void expect_stats(struct world *world, const int64_t expected[5])
{
    struct queue_stats found = stats(world);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(found.ready[i], expected[i]);
    }
    assert_int_equal(found.delayed, expected[3]);
    assert_int_equal(found.leased, expected[4]);
    assert_int_equal(found.jobs, expected[0] + expected[1] + expected[2] + expected[3] + expected[4]);
}

/* Runs a command whose answer nobody needs. */
static inline void raw_do(struct world *world, const char *command)
{
    redisReply *reply = redisCommand(world->raw, command);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s", reply->str);
    }
    freeReplyObject(reply);
}

/* Redis dies; another starts in its place, with what raw_do(world, "SAVE") wrote, if anything. */
static inline void restart_redis(struct world *world)
{
    uint64_t losses = redis_losses(world->verbs);
    assert_true(redis_is_up(world->verbs));
    redis_server_kill(world->server);
    while (redis_losses(world->verbs) == losses) {
        uv_run(loop_uv(world->loop), UV_RUN_ONCE);
    }
    redis_server_again(world->server);
    redisFree(world->raw);
    world->raw = redisConnectUnix(redis_server_socket(world->server));
    assert_int_equal(world->raw->err, 0);
}

/* The integer that a command answers. */
static inline long long raw_integer(struct world *world, const char *command)
{
    redisReply *reply = redisCommand(world->raw, command);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    long long number = reply->integer;
    freeReplyObject(reply);
    return number;
}

/* The integer that a script answers. */
static inline long long raw_script(struct world *world, const char *script)
{
    redisReply *reply = redisCommand(world->raw, "EVAL %s 0", script);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    long long number = reply->integer;
    freeReplyObject(reply);
    return number;
}

#endif
