// SPDX-License-Identifier: Apache-2.0
#include "common/job/job_retry.h"

enum { WAIT_MOST_MS = 5 * 60 * 1000 };

/* The upper end of the wait after `failures` failures; 1 is the first. */
static uint64_t top_ms(uint64_t backoff_ms, int failures)
{
    uint64_t top = backoff_ms;
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
    *delay_ms = random % (top_ms(rules->backoff_ms, *failures) + 1);
    return JOB_AGAIN;
}
