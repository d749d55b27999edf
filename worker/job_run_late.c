// SPDX-License-Identifier: Apache-2.0
/*
 * What becomes of a job whose disk does not answer. A call that hangs in the kernel can be neither stopped nor left alone, since it
 * writes into the run; so the run stays until it answers, but the job does not: the queue has it back, as after a failure, and its lease
 * is renewed no more. Where the storage as a whole is away, that is no fault of the job's. Where it is not, the job counts as one that
 * ended a worker, since it has taken a thread from this one; so a file that nobody can read does not take the threads of all. Nor does a
 * worker that can read nothing take all jobs: it claims none until the disk has answered, and is told to be stuck (health.h).
 */
#include "worker/job_run_state.h"

#include "common/base/random.h"
#include "worker/parts.h"

enum { YIELD_MS = 1000 };

static void on_yielded(void *owner, const struct err *err)
{
    struct job_run *run = owner;
    run->pending--;
    if (err != NULL) {
        /* the lease runs out */
        log_debug("the queue was not told", JOB_RUN_IDS(run), log_err(err));
    }
    job_run_step(run);
}

static void on_asked(void *owner, const struct err *err)
{
    struct job_run *run = owner;
    run->pending--;
    if (run->is_lost || (run->pending == 0 && run->output.pending == 0)) {
        /* somebody else's already, or it has answered after all */
        job_run_step(run);
        return;
    }
    log_warn("the storage does not answer; the job is given to others", JOB_RUN_IDS(run),
             log_int("is_away", err != NULL));
    run->job.crashes += err == NULL;
    run->is_lost = true;
    run->is_late = true;
    lease_keeper_release(run->parts->leases, &run->hold);
    run->pending++;
    queue_retry(run->parts->queue, &run->hold.lease, &run->job, 1 + random_below(YIELD_MS), &run->is_current,
                on_yielded, run);
    job_run_tell_codec_free(run);
}

static void on_late(void *owner)
{
    struct job_run *run = owner;
    if (!run->is_lost) {
        run->pending++;
        breaker_ask(run->parts->storage_breaker, &run->question, on_asked, run);
    }
}

bool job_run_is_late(const struct job_run *run)
{
    return run->is_late;
}

void job_run_expect_storage(struct job_run *run)
{
    deadline_arm(&run->late, run->parts->loop, run->parts->storage_ms, on_late, run);
}
