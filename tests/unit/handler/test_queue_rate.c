// SPDX-License-Identifier: Apache-2.0
#include "api/handler/queue_rate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_near(double got, double expected)
{
    if (!(fabs(got - expected) < 1e-6)) {
        fail_msg("%f is not %f", got, expected);
    }
}

static void assert_backlog(int64_t high, int64_t normal, int64_t low, double rate, const double expected[3])
{
    const int64_t ready[3] = {high, normal, low};
    double seconds[3] = {-1, -1, -1};
    queue_rate_backlog(ready, rate, seconds);
    for (int i = 0; i < 3; i++) {
        assert_near(seconds[i], expected[i]);
    }
}

static void a_class_alone_has_the_whole_pool(void **state)
{
    (void)state;
    assert_backlog(0, 0, 0, 4, (const double[]){0, 0, 0});
    assert_backlog(20, 0, 0, 4, (const double[]){5, 0, 0});
    assert_backlog(0, 20, 0, 4, (const double[]){0, 5, 0});
    assert_backlog(0, 0, 20, 4, (const double[]){0, 0, 5});
}

static void classes_share_by_turns_until_one_is_empty(void **state)
{
    (void)state;
    /* 7, 2 and 1 of 10 a second: high is through at 10 s; then normal has 9 of 10 */
    assert_backlog(70, 38, 12, 10, (const double[]){10, 12, 12});
    /* high has what normal does not use: 9 of 10 */
    assert_backlog(90, 0, 1000, 10, (const double[]){10, 0, 109});
    /* whoever is last ends when all is done */
    assert_backlog(1, 1, 1000000, 10, (const double[]){1 / 7.0, 1 / 7.0 + (1 - 2 / 7.0) / 9, 100000.2});
}

static void where_nobody_works_what_waits_waits_for_ever(void **state)
{
    const int64_t ready[3] = {1, 0, 3};
    double seconds[3];
    (void)state;
    queue_rate_backlog(ready, 0, seconds);
    assert_true(isinf(seconds[0]) && seconds[0] > 0);
    assert_near(seconds[1], 0);
    assert_true(isinf(seconds[2]) && seconds[2] > 0);
}

static void codecs_of_all_workers_count_but_of_those_that_stop(void **state)
{
    const struct queue_worker workers[] = {
        {.state = "working", .codecs = 4, .codecs_busy = 3, .codec_us = 200000},
        {.state = "paused", .codecs = 2, .codec_us = 1000000},
        {.state = "working", .codecs = 1}, /* has made no image yet */
        {.state = "stopping", .codecs = 8, .codecs_busy = 8, .codec_us = 100000},
    };
    (void)state;
    struct queue_pool pool = queue_rate_pool(workers, 4);
    assert_int_equal(pool.workers, 3);
    assert_int_equal(pool.codecs, 7);
    assert_int_equal(pool.codecs_busy, 3);
    assert_near(pool.jobs_per_second, 20 + 2 + 2);
    assert_near(queue_rate_pool(workers, 0).jobs_per_second, 0);
}

static void a_meter_reaches_back_ten_samples(void **state)
{
    struct queue_meter meter = {.used = 0};
    (void)state;
    assert_near(queue_meter_rate(&meter), 0);
    queue_meter_see(&meter, 1000000, 500);
    assert_near(queue_meter_rate(&meter), 0);
    queue_meter_see(&meter, 1000000, 500);
    assert_near(queue_meter_rate(&meter), 0);
    queue_meter_see(&meter, 3000000, 530);
    assert_near(queue_meter_rate(&meter), 15);
    for (uint64_t i = 0; i < QUEUE_METER_SAMPLES; i++) {
        queue_meter_see(&meter, 4000000 + i * 1000000, 530 + (int64_t)i * 7);
    }
    assert_near(queue_meter_rate(&meter), 7);
}

static void a_count_that_begins_anew_gives_no_rate_below_zero(void **state)
{
    struct queue_meter meter = {.used = 0};
    (void)state;
    queue_meter_see(&meter, 1000000, 500);
    queue_meter_see(&meter, 2000000, 600);
    queue_meter_see(&meter, 3000000, 3);
    assert_near(queue_meter_rate(&meter), 0);
    queue_meter_see(&meter, 4000000, 5);
    assert_near(queue_meter_rate(&meter), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_alone_has_the_whole_pool),
        cmocka_unit_test(classes_share_by_turns_until_one_is_empty),
        cmocka_unit_test(where_nobody_works_what_waits_waits_for_ever),
        cmocka_unit_test(codecs_of_all_workers_count_but_of_those_that_stop),
        cmocka_unit_test(a_meter_reaches_back_ten_samples),
        cmocka_unit_test(a_count_that_begins_anew_gives_no_rate_below_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
