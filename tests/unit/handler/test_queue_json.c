// SPDX-License-Identifier: Apache-2.0
#include "api/handler/queue_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

static void test_all_is_told(void **state)
{
    struct queue_worker worker = {.holder = "host.7.x",
                                  .state = "working",
                                  .codecs = 2,
                                  .codecs_busy = 1,
                                  .in_hand = 3,
                                  .taken = 40,
                                  .codec_us = 250000,
                                  .started_at_ms = 1000,
                                  .job_count = 3,
                                  .jobs = {"12.3", "9.1.r", "strange"},
                                  .age_ms = 500};
    struct queue_sight sight = {
        .is_known = true,
        .stats = {.ready = {1, 2, 3}, .oldest_age_ms = {1500, 0, 0}, .delayed = 4, .leased = 5},
        .workers = &worker,
        .worker_count = 1,
        .backlog_seconds = {0.5, 2, INFINITY},
        .finished_per_second = 1.5,
        .dead = 6};
    (void)state;
    json_t *body = queue_json(&sight, true);
    char *text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(6));
    assert_string_equal(
        text,
        "{\"paused\":true,\"priorities\":{"
        "\"high\":{\"depth\":1,\"oldest_age_seconds\":1.5,\"backlog_seconds\":0.5},"
        "\"normal\":{\"depth\":2,\"oldest_age_seconds\":0.0,\"backlog_seconds\":2.0},"
        "\"low\":{\"depth\":3,\"oldest_age_seconds\":0.0,\"backlog_seconds\":null}},"
        "\"delayed\":4,\"in_flight\":5,\"dead\":6,\"jobs_per_second\":1.5,\"workers\":[{\"name\":\"host.7."
        "x\","
        "\"state\":\"working\",\"codecs\":2,\"codecs_busy\":1,\"in_hand\":3,\"jobs\":["
        "{\"job\":\"12.3\",\"image\":12,\"generation\":3},{\"job\":\"9.1.r\",\"image\":9,\"generation\":1},"
        "{\"job\":\"strange\"}],\"taken\":40,\"seconds_per_image\":0.25,"
        "\"started_at\":\"1970-01-01T00:00:01.000000Z\",\"seen_seconds_ago\":0.5}]}");
    free(text);
    json_decref(body);
}

static void test_what_is_not_known_is_null(void **state)
{
    struct queue_sight sight = {.dead = -1};
    (void)state;
    json_t *body = queue_json(&sight, false);
    assert_true(json_is_null(json_object_get(body, "dead")));
    assert_true(json_is_false(json_object_get(body, "paused")));
    assert_int_equal(json_array_size(json_object_get(body, "workers")), 0);
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_told),
        cmocka_unit_test(test_what_is_not_known_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
