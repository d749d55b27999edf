// SPDX-License-Identifier: Apache-2.0
#include "common/job/job_retry.h"

/* A crash is none of the machine's doing, so there is nothing to wait for: its first wait is short, whatever the back-off. */
enum { WAIT_MOST_MS = 5 * 60 * 1000, CRASH_MS = 100 };

/* The upper end of the wait after `failures` failures, of which the first one's is first_ms. */
static uint64_t top_ms(uint64_t first_ms, int failures)
{
    uint64_t top = first_ms;
    for (; failures > 1 && top > 0 && top < WAIT_MOST_MS; failures--) {
        top *= 2;
    }
    return top < WAIT_MOST_MS ? top : WAIT_MOST_MS;
}

enum job_verdict job_retry(const struct job_retry_rules *rules, enum err_code code, uint64_t random,
                           struct job *job, uint64_t *delay_ms)
{
    if (!err_may_pass(code)) {
        return JOB_FAIL;
    }
    /* a time-out is an attempt: it may come from a machine that is too busy, while a crash comes from the image */
    bool is_crash = code == ERR_CODEC_CRASHED || code == ERR_OUT_OF_MEMORY;
    int *failures = is_crash ? &job->crashes : &job->attempt;
    ++*failures;
    if (*failures >= (is_crash ? rules->max_crashes : rules->max_attempts)) {
        return JOB_BURY;
    }
    uint64_t first_ms = is_crash && rules->backoff_ms > CRASH_MS ? CRASH_MS : rules->backoff_ms;
    *delay_ms = random % (top_ms(first_ms, *failures) + 1);
    return JOB_AGAIN;
}
