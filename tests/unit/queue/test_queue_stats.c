// SPDX-License-Identifier: Apache-2.0
#include "common/base/clock.h"
#include "tests/unit/queue/queue_world.h"

enum { MANY = 300 };

static const int64_t some_minutes_ms = 600000;

static void push_aged(struct world *world, int64_t image, enum job_class class, int64_t uploader,
                      int64_t age_ms)
{
    struct await await = {.answers = 0};
    struct job job = job_of(image, class);
    job.enqueued_at_ms = clock_wall_us() / 1000 - age_ms;
    queue_push(world->queue, &job, uploader, 0, await_done, &await);
    expect_success(world, &await);
}

static void expect_age(int64_t found_ms, int64_t age_ms)
{
    assert_in_range(found_ms, age_ms, age_ms + some_minutes_ms - 1);
}

static void test_the_oldest_of_each_class_has_its_age(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    struct queue_stats found = stats(world);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(found.oldest_age_ms[i], 0);
    }
    push_aged(world, 1, JOB_HIGH, 1, some_minutes_ms);
    push_aged(world, 2, JOB_HIGH, 1, 0);
    push_aged(world, 3, JOB_HIGH, 2, 2 * some_minutes_ms);
    push_aged(world, 4, JOB_LOW, 2, 3 * some_minutes_ms);
    push_aged(world, 5, JOB_NORMAL, 2, -some_minutes_ms); /* by a clock that is ahead */
    found = stats(world);
    expect_age(found.oldest_age_ms[JOB_HIGH], 2 * some_minutes_ms);
    expect_age(found.oldest_age_ms[JOB_LOW], 3 * some_minutes_ms);
    assert_int_equal(found.oldest_age_ms[JOB_NORMAL], 0);
    /* what is leased waits no longer */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    }
    found = stats(world);
    assert_int_equal(found.oldest_age_ms[JOB_HIGH], 0);
    assert_int_equal(found.oldest_age_ms[JOB_LOW], 0);
}

static void test_the_old_one_of_a_crowd_is_seen(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    /* somebody with many has just had a turn, and stands behind a crowd with one each */
    push_aged(world, 1, JOB_HIGH, 1, some_minutes_ms);
    push_aged(world, 2, JOB_HIGH, 1, some_minutes_ms);
    for (int64_t i = 0; i < MANY; i++) {
        push_aged(world, 10 + i, JOB_HIGH, 10 + i, 0);
    }
    assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
    assert_int_equal(taken.job.image, 1);
    expect_age(stats(world).oldest_age_ms[JOB_HIGH], some_minutes_ms);
}

static void spoil(struct world *world, const char *job, size_t bytes)
{
    redisReply *reply = redisCommand(world->raw, "HSET {p}:jobs 1.1 %b", job, bytes);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    freeReplyObject(reply);
    struct queue_stats found = stats(world);
    assert_int_equal(found.ready[0], 1);
    assert_int_equal(found.oldest_age_ms[0], 0);
}

static void test_a_payload_that_is_none_has_no_age(void **state)
{
    struct world *world = *state;
    char big[8192];
    push(world, 1, JOB_HIGH, 1, 0);
#define SPOIL(text) spoil(world, text, sizeof(text) - 1)
    SPOIL("");
    SPOIL("nothing");
    SPOIL("h:1:");
    SPOIL("h:1:\xc1");
    SPOIL("h:1:\x2a");
    SPOIL("h:1:\xdf\xff\xff\xff\xff");
    SPOIL("h:1:\x81\xabxnqueued_at\x01");
    SPOIL("h:1:\x81\xab"
          "enqueued_at\xc0");
    SPOIL("h:1:\x81\xab"
          "enqueued_at\xa1x");
    SPOIL("h:1:\x81\xab"
          "enqueued_at\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"); /* not a number */
    SPOIL("h:1:\x81\xab"
          "enqueued_at\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"); /* infinity */
    SPOIL("h:1:\x81\xab"
          "enqueued_at\xd3\x80\x00\x00\x00\x00\x00\x00\x00"); /* long ago */
#undef SPOIL
    memset(big, 0x91, sizeof big); /* very deep */
    memcpy(big, (const char[]){'h', ':', '1', ':'}, 4);
    spoil(world, big, 900);
    spoil(world, big, sizeof big);
}

static void test_what_ended_is_counted(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[4];
    push(world, 1, JOB_HIGH, 1, 0);
    push(world, 2, JOB_HIGH, 1, 0);
    push(world, 3, JOB_HIGH, 1, 0);
    assert_int_equal(take(world, 2, 1, taken), 2);
    while (stats(world).leased > 0) {
        size_t count = take(world, 0, LONG_MS, taken);
        assert_int_equal(count, 0);
    }
    assert_int_equal(stats(world).expired, 2);
    assert_int_equal(stats(world).finished, 0);
    finish(world, &taken[0].lease, 1); /* too late */
    assert_int_equal(stats(world).finished, 0);
    assert_int_equal(take(world, 3, LONG_MS, taken), 3);
    for (int i = 0; i < 3; i++) {
        finish(world, &taken[i].lease, 1);
        finish(world, &taken[i].lease, 1);
        assert_int_equal(stats(world).finished, i + 1);
    }
    assert_int_equal(stats(world).expired, 2);
}

static void test_more_lines_than_are_walked_are_counted_right(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[QUEUE_TAKE_MAX];
    struct await await = {.answers = 0};
    for (int64_t i = 0; i < MANY; i++) {
        const struct job job = job_of(1 + i, JOB_LOW);
        queue_push(world->queue, &job, 1 + i % (MANY / 2), 0, await_done, &await);
    }
    assert_true(await_reached(world->loop, &await.answers, MANY));
    for (int64_t left = MANY; left > 0; left -= QUEUE_TAKE_MAX) {
        assert_int_equal(stats(world).ready[JOB_LOW], left);
        size_t count = take(world, QUEUE_TAKE_MAX, LONG_MS, taken);
        assert_int_equal(count, left < QUEUE_TAKE_MAX ? left : QUEUE_TAKE_MAX);
        give_back(world, &taken[0].lease, 1);
        assert_true(retry(world, &taken[1].lease, &taken[1].job, 0));
        assert_true(retry(world, &taken[2].lease, &taken[2].job, LONG_MS));
        left += 2;
    }
    assert_int_equal(raw_integer(world, "HEXISTS {p}:counts l"), stats(world).ready[JOB_LOW] > 0);
}

static void test_a_lost_count_is_found_again(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[QUEUE_TAKE_MAX];
    push(world, 1, JOB_HIGH, 1, 0);
    push(world, 2, JOB_HIGH, 2, 0);
    raw_do(world, "HSET {p}:counts h 77 n -5 l x finished y");
    struct queue_stats found = stats(world);
    assert_int_equal(found.ready[JOB_HIGH], 2); /* few lines are counted themselves */
    assert_int_equal(found.ready[JOB_NORMAL], 0);
    assert_int_equal(found.ready[JOB_LOW], 0);
    assert_int_equal(found.finished, 0);
    assert_int_equal(take(world, QUEUE_TAKE_MAX, LONG_MS, taken), 2);
    assert_int_equal(raw_integer(world, "HEXISTS {p}:counts h"), 0);
}

static void test_stats_of_ten_thousand_uploaders_are_cheap(void **state)
{
    enum { UPLOADERS = 10000, PORTION = 1000, WALKED = 32 };
    struct world *world = *state;
    struct await await = {.answers = 0};
    for (int64_t pushed = 0; pushed < UPLOADERS;) {
        for (int64_t end = pushed + PORTION; pushed < end; pushed++) {
            const struct job job = job_of(1 + pushed, JOB_HIGH);
            queue_push(world->queue, &job, 1 + pushed, 0, await_done, &await);
        }
        assert_true(await_reached(world->loop, &await.answers, (int)pushed));
    }
    assert_int_equal(raw_integer(world, "LLEN {p}:ring:h"), UPLOADERS);
    raw_do(world, "CONFIG RESETSTAT");
    assert_int_equal(stats(world).ready[JOB_HIGH], UPLOADERS);
    /* by what it does, not by the time that it takes */
    redisReply *reply = redisCommand(world->raw, "INFO commandstats");
    static const char *const walks[] = {
        "cmdstat_llen:calls=", "cmdstat_lindex:calls=", "cmdstat_hget:calls="};
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        const char *found = strstr(reply->str, walks[i]);
        assert_non_null(found);
        assert_in_range(strtol(found + strlen(walks[i]), NULL, 10), 1, WALKED + 3);
    }
    freeReplyObject(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_oldest_of_each_class_has_its_age, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_the_old_one_of_a_crowd_is_seen, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_payload_that_is_none_has_no_age, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_what_ended_is_counted, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_more_lines_than_are_walked_are_counted_right, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_lost_count_is_found_again, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_stats_of_ten_thousand_uploaders_are_cheap, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
