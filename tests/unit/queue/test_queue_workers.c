// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/queue/queue_world.h"

enum { AT_ONCE_MS = 1 };

static struct queue_worker worker_of(const char *holder)
{
    struct queue_worker worker = {.state = "working",
                                  .codecs = 4,
                                  .codecs_busy = 3,
                                  .in_hand = 7,
                                  .taken = 123456789012,
                                  .codec_us = 350000,
                                  .started_at_ms = 1790000000000,
                                  .job_count = 2,
                                  .jobs = {"42.1", "9223372036854775807.9223372036854775807.r"}};
    snprintf(worker.holder, sizeof worker.holder, "%s", holder);
    return worker;
}

static void beat(struct world *world, const struct queue_worker *worker, uint64_t live_ms)
{
    struct await await = {.answers = 0};
    queue_beat(world->queue, worker, live_ms, await_done, &await);
    expect_success(world, &await);
}

/* Fills workers[QUEUE_WORKERS_MAX]; returns how many there are. */
static size_t workers(struct world *world, struct queue_worker *found)
{
    struct await await = {.answers = 0};
    size_t count = SIZE_MAX;
    queue_workers(world->queue, found, &count, await_done, &await);
    expect_success(world, &await);
    assert_in_range(count, 0, QUEUE_WORKERS_MAX);
    return count;
}

static void test_a_worker_is_listed_as_it_told(void **state)
{
    struct world *world = *state;
    struct queue_worker *found = calloc(QUEUE_WORKERS_MAX, sizeof *found);
    struct queue_worker told = worker_of("host-b-12-f00d");
    assert_int_equal(workers(world, found), 0);
    beat(world, &told, LONG_MS);
    const struct queue_worker other = {.holder = "host-a", .state = "paused"};
    beat(world, &other, LONG_MS);
    assert_int_equal(workers(world, found), 2);
    assert_string_equal(found[0].holder, "host-a"); /* by holder */
    assert_string_equal(found[0].state, "paused");
    assert_int_equal(found[0].job_count, 0);
    assert_string_equal(found[1].holder, told.holder);
    assert_string_equal(found[1].state, told.state);
    assert_int_equal(found[1].codecs, told.codecs);
    assert_int_equal(found[1].codecs_busy, told.codecs_busy);
    assert_int_equal(found[1].in_hand, told.in_hand);
    assert_int_equal(found[1].taken, told.taken);
    assert_int_equal(found[1].codec_us, told.codec_us);
    assert_int_equal(found[1].started_at_ms, told.started_at_ms);
    assert_int_equal(found[1].job_count, 2);
    assert_string_equal(found[1].jobs[0], told.jobs[0]);
    assert_string_equal(found[1].jobs[1], told.jobs[1]);
    assert_in_range(found[1].age_ms, 0, LONG_MS);
    /* told anew, it is listed as it is now */
    told.job_count = 0;
    told.codecs_busy = 0;
    beat(world, &told, LONG_MS);
    assert_int_equal(workers(world, found), 2);
    assert_int_equal(found[1].codecs_busy, 0);
    assert_int_equal(found[1].job_count, 0);
    free(found);
}

static void test_the_longest_report_goes_through(void **state)
{
    struct world *world = *state;
    struct queue_worker *found = calloc(QUEUE_WORKERS_MAX, sizeof *found);
    struct queue_worker told = {.state = "123456789012345",
                                .codecs = INT64_MAX,
                                .codecs_busy = INT64_MAX,
                                .in_hand = INT64_MAX,
                                .taken = INT64_MAX,
                                .codec_us = INT64_MAX,
                                .started_at_ms = INT64_MAX,
                                .job_count = QUEUE_WORKER_JOBS};
    memset(told.holder, 'h', sizeof told.holder - 1);
    for (size_t i = 0; i < QUEUE_WORKER_JOBS; i++) {
        memset(told.jobs[i], '1', sizeof told.jobs[i] - 1);
    }
    beat(world, &told, LONG_MS);
    assert_int_equal(workers(world, found), 1);
    assert_string_equal(found[0].holder, told.holder);
    assert_int_equal(found[0].job_count, QUEUE_WORKER_JOBS);
    assert_string_equal(found[0].jobs[QUEUE_WORKER_JOBS - 1], told.jobs[QUEUE_WORKER_JOBS - 1]);
    assert_int_equal(found[0].taken, INT64_MAX);
    free(found);
}

static void test_who_is_silent_is_forgotten(void **state)
{
    struct world *world = *state;
    struct queue_worker *found = calloc(QUEUE_WORKERS_MAX, sizeof *found);
    struct queue_worker silent = worker_of("silent");
    struct queue_worker other = worker_of("other");
    beat(world, &other, LONG_MS);
    beat(world, &silent, AT_ONCE_MS);
    while (workers(world, found) > 1) {
    }
    assert_string_equal(found[0].holder, "other");
    beat(world, &other, LONG_MS); /* removes what was left of it */
    assert_int_equal(raw_integer(world, "ZCARD {p}:workers"), 1);
    assert_int_equal(raw_integer(world, "HLEN {p}:reports"), 1);
    /* and with the last one goes everything */
    raw_do(world, "FLUSHALL");
    beat(world, &silent, AT_ONCE_MS);
    while (raw_integer(world, "DBSIZE") > 0) {
    }
    free(found);
}

static void test_there_are_never_too_many(void **state)
{
    struct world *world = *state;
    struct queue_worker *found = calloc(QUEUE_WORKERS_MAX, sizeof *found);
    for (int i = 0; i < QUEUE_WORKERS_MAX + 20; i++) {
        char holder[QUEUE_HOLDER_BYTES];
        snprintf(holder, sizeof holder, "w%04d", i);
        struct queue_worker worker = worker_of(holder);
        beat(world, &worker, LONG_MS + (uint64_t)i * 1000);
    }
    assert_int_equal(raw_integer(world, "ZCARD {p}:workers"), QUEUE_WORKERS_MAX);
    assert_int_equal(raw_integer(world, "HLEN {p}:reports"), QUEUE_WORKERS_MAX);
    assert_int_equal(workers(world, found), QUEUE_WORKERS_MAX);
    /* those that would have been forgotten first */
    assert_string_equal(found[0].holder, "w0020");
    free(found);
}

/* Stores a report as if a worker had told it, whatever the bytes. */
static void plant(struct world *world, const char *holder, const void *report, size_t bytes)
{
    redisReply *reply = redisCommand(world->raw, "ZADD {p}:workers 99999999999999 %s", holder);
    freeReplyObject(reply);
    reply = redisCommand(world->raw, "HSET {p}:reports %s %b", holder, report, bytes);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    freeReplyObject(reply);
}

static void test_what_is_no_report_is_left_out(void **state)
{
    static const struct {
        const char *bytes;
        size_t count;
    } spoiled[] = {
#define SPOILED(text) {text, sizeof(text) - 1}
        SPOILED(""),
        SPOILED("1:"),
        SPOILED("x:\x81\xa1v\x01"),
        SPOILED("\x81\xa1v\x01"),
        SPOILED("1:\x81\xa1v"),
        SPOILED("1:\x81\xa1v\x02"),                 /* another version */
        SPOILED("1:\x80"),                          /* none */
        SPOILED("1:\xdf\xff\xff\xff\xff\xa1v\x01"), /* promises four thousand million pairs */
        SPOILED("1:\x82\xa1v\x01\xa5state\xdb\xff\xff\xff\xff"),
        SPOILED("1:\x82\xa1v\x01\xa5state\xb0"
                "1234567890123456"), /* too long */
        SPOILED("1:\x82\xa1v\x01\xa5state\xa2\x1b["),
        SPOILED("1:\x82\xa1v\x01\xa5state\x01"),
        SPOILED("1:\x82\xa1v\x01\xa6"
                "codecs\xff"),
        SPOILED("1:\x82\xa1v\x01\xa6"
                "codecs\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
        SPOILED("1:\x82\xa1v\x01\xa4jobs\xa3"
                "1  "),
        SPOILED("1:\x82\xa1v\x01\xa4jobs\xd9\x23"
                "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
        SPOILED("1:\x81\xa1v\x01\x00"), /* something follows */
#undef SPOILED
    };
    struct world *world = *state;
    struct queue_worker *found = calloc(QUEUE_WORKERS_MAX, sizeof *found);
    char big[4096];
    memset(big, '1', sizeof big);
    for (size_t i = 0; i < sizeof spoiled / sizeof *spoiled; i++) {
        char holder[16];
        snprintf(holder, sizeof holder, "x%zu", i);
        plant(world, holder, spoiled[i].bytes, spoiled[i].count);
        assert_int_equal(workers(world, found), 0);
    }
    plant(world, "big", big, sizeof big);
    memcpy(big, "1:\x81\xa1v\x01", 6);
    plant(world, "tall", big, sizeof big);
    raw_do(world, "ZADD {p}:workers 99999999999999 without-report");
    char holder[2 * QUEUE_HOLDER_BYTES] = {0};
    memset(holder, 'h', sizeof holder - 1);
    plant(world, holder, "1:\x81\xa1v\x01", 6);
    assert_int_equal(workers(world, found), 0);
    /* one that says nothing but its version is one, also where it says what we do not know */
    plant(world, "brief", "1:\x82\xa1v\x01\xa3new\x92\x01\xc0",
          sizeof "1:\x82\xa1v\x01\xa3new\x92\x01\xc0" - 1);
    struct queue_worker good = worker_of("good");
    beat(world, &good, LONG_MS);
    assert_int_equal(workers(world, found), 2);
    assert_string_equal(found[0].holder, "brief");
    assert_string_equal(found[0].state, "");
    assert_string_equal(found[1].holder, "good");
    free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_worker_is_listed_as_it_told, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_the_longest_report_goes_through, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_who_is_silent_is_forgotten, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_there_are_never_too_many, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_report_is_left_out, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
