// SPDX-License-Identifier: Apache-2.0
#include "common/job/job_retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct job_retry_rules rules = {.max_attempts = 5, .max_crashes = 3, .backoff_ms = 1000};

static void test_what_may_pass_gets_all_attempts(void **state)
{
    (void)state;
    static const enum err_code codes[] = {ERR_STORAGE, ERR_DATABASE, ERR_PROCESSING_TIMEOUT};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct job job = {.image = 1};
        for (int attempt = 1; attempt < rules.max_attempts; attempt++) {
            uint64_t delay_ms = 0;
            uint64_t top_ms = 1000U << (attempt - 1);
            /* full jitter: uniform in 0..top, as random % (top + 1) */
            struct job copy = job;
            assert_int_equal(job_retry(&rules, codes[i], top_ms + 1, &copy, &delay_ms), JOB_AGAIN);
            assert_int_equal(delay_ms, 0);
            assert_int_equal(job_retry(&rules, codes[i], top_ms, &job, &delay_ms), JOB_AGAIN);
            assert_int_equal(delay_ms, top_ms);
            assert_int_equal(job.attempt, attempt);
        }
        uint64_t delay_ms = 4711;
        assert_int_equal(job_retry(&rules, codes[i], 1, &job, &delay_ms), JOB_BURY);
        assert_int_equal(job.attempt, rules.max_attempts);
        assert_int_equal(job.crashes, 0);
        assert_int_equal(delay_ms, 4711);
    }
}

static void test_crashes_are_counted_apart(void **state)
{
    (void)state;
    struct job job = {.attempt = 4};
    uint64_t delay_ms = 0;
    assert_int_equal(job_retry(&rules, ERR_CODEC_CRASHED, 100, &job, &delay_ms), JOB_AGAIN);
    assert_int_equal(delay_ms, 100);
    assert_int_equal(job_retry(&rules, ERR_OUT_OF_MEMORY, 200, &job, &delay_ms), JOB_AGAIN);
    assert_int_equal(delay_ms, 200);
    assert_int_equal(job.crashes, 2);
    assert_int_equal(job.attempt, 4);
    assert_int_equal(job_retry(&rules, ERR_CODEC_CRASHED, 0, &job, &delay_ms), JOB_BURY);
    assert_int_equal(job.crashes, 3);
}

static void test_the_wait_after_a_crash_begins_at_a_tenth_of_a_second(void **state)
{
    (void)state;
    const struct job_retry_rules slow = {.max_attempts = 5, .max_crashes = 20, .backoff_ms = 60000};
    struct job job = {.attempt = 3};
    for (int crash = 1; crash < slow.max_crashes; crash++) {
        uint64_t top_ms = 100U << (crash - 1);
        uint64_t delay_ms = UINT64_MAX;
        struct job copy = job;
        top_ms = top_ms < 300000 ? top_ms : 300000;
        assert_int_equal(job_retry(&slow, ERR_CODEC_CRASHED, top_ms, &copy, &delay_ms), JOB_AGAIN);
        assert_int_equal(delay_ms, top_ms);
        /* the greatest that can be drawn */
        assert_int_equal(job_retry(&slow, ERR_CODEC_CRASHED, top_ms + 1, &job, &delay_ms), JOB_AGAIN);
        assert_int_equal(delay_ms, 0);
        assert_int_equal(job.crashes, crash);
    }
    const struct job_retry_rules quick = {.max_attempts = 5, .max_crashes = 3, .backoff_ms = 10};
    uint64_t delay_ms = UINT64_MAX;
    job = (struct job){.image = 1};
    assert_int_equal(job_retry(&quick, ERR_CODEC_CRASHED, 10, &job, &delay_ms), JOB_AGAIN);
    assert_int_equal(delay_ms, 10);
    assert_int_equal(job_retry(&quick, ERR_CODEC_CRASHED, 21, &job, &delay_ms), JOB_AGAIN);
    assert_int_equal(delay_ms, 0);
}

static void test_what_can_not_pass_fails_at_once(void **state)
{
    (void)state;
    static const enum err_code codes[] = {ERR_CORRUPT_IMAGE, ERR_SOURCE_MISSING, ERR_INVALID_IMAGE,
                                          ERR_UNKNOWN_JOB, ERR_INTERNAL};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct job job = {.image = 1};
        uint64_t delay_ms = 4711;
        assert_int_equal(job_retry(&rules, codes[i], 5, &job, &delay_ms), JOB_FAIL);
        assert_int_equal(job.attempt, 0);
        assert_int_equal(job.crashes, 0);
        assert_int_equal(delay_ms, 4711);
    }
}

static void test_waits_end_at_five_minutes(void **state)
{
    (void)state;
    const struct job_retry_rules many = {.max_attempts = 2000000000, .max_crashes = 3, .backoff_ms = 1000};
    struct job job = {.attempt = 1000000};
    uint64_t delay_ms = 0;
    assert_int_equal(job_retry(&many, ERR_STORAGE, 300000, &job, &delay_ms), JOB_AGAIN);
    assert_int_equal(delay_ms, 300000);
    assert_int_equal(job_retry(&many, ERR_STORAGE, 300001, &job, &delay_ms), JOB_AGAIN);
    assert_int_equal(delay_ms, 0);
    const struct job_retry_rules none = {.max_attempts = 9, .max_crashes = 3, .backoff_ms = 0};
    job.attempt = 3;
    assert_int_equal(job_retry(&none, ERR_STORAGE, 12345, &job, &delay_ms), JOB_AGAIN);
    assert_int_equal(delay_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_may_pass_gets_all_attempts),
        cmocka_unit_test(test_crashes_are_counted_apart),
        cmocka_unit_test(test_the_wait_after_a_crash_begins_at_a_tenth_of_a_second),
        cmocka_unit_test(test_what_can_not_pass_fails_at_once),
        cmocka_unit_test(test_waits_end_at_five_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
