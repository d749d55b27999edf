// SPDX-License-Identifier: Apache-2.0
/*
 * The retry rules, pure: given how a job has failed so far, what now?
 */
#ifndef PIXMILL_JOB_JOB_RETRY_H
#define PIXMILL_JOB_JOB_RETRY_H

#include "common/job/job.h"

struct job_retry_rules {
    int max_attempts;    /* failures that may pass, in all */
    int max_crashes;     /* codec deaths, out of memory, lost leases, in all */
    uint64_t backoff_ms; /* upper end of the first wait; after a crash it is 100 ms where this is more */
};

enum job_verdict {
    JOB_AGAIN, /* wait, then try again */
    JOB_FAIL,  /* can't pass: the image is failed, nothing for an operator to do */
    JOB_BURY   /* gave up: the image is failed, and the job goes to the dead letters */
};

/*
 * Counts the failure `code` into *job (attempt or crashes) and decides. For JOB_AGAIN *delay_ms is the wait: exponential
 * back-off with full jitter, uniform in 0..min(first * 2^n, 5 min), drawn as random % (top + 1), where n counts the failures of that kind
 * before this one, and first is backoff_ms, of crashes at most 100 ms: the job of a codec that died is claimable again soon.
 */
enum job_verdict job_retry(const struct job_retry_rules *rules, enum err_code code, uint64_t random,
                           struct job *job, uint64_t *delay_ms);

#endif
