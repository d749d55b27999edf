// SPDX-License-Identifier: Apache-2.0
/* The states in which the queue is told how a job ended, and operators of one that nobody can read. */
#include "worker/job_run_state.h"

#include "common/base/failpoint.h"
#include "common/db/db_dead.h"
#include "worker/parts.h"

/* Redis is told so often how a job ended; then the lease runs out, and its next holder tells it. */
enum { QUEUE_TRIES = 3 };

/* The row, where there is one, stays owed: a reconciler pushes it again, in a version that we know. */
void job_run_do_note(struct job_run *run)
{
    failpoint("job.noting");
    run->pending++;
    db_dead_note(run->parts->db, run->hold.lease.id, err_word(run->why.code), run->why.sentence,
                 job_run_on_answer, run);
}

enum run_state job_run_after_note(struct job_run *run)
{
    if (job_run_has_failed(run) && err_may_pass(run->answer.code)) {
        /* not retried, which would put another payload in the place of what can't be read */
        breaker_trip(run->parts->database_breaker);
        run->plan = RUN_GIVE_BACK;
        return run->plan;
    }
    if (job_run_has_failed(run)) {
        log_error("a job that can not be read is dropped without a letter",
                  log_text("job", run->hold.lease.id), log_err(&run->answer));
    }
    return RUN_FINISH;
}

/* From here on the lease is not renewed: whatever the queue makes of the call, the job is not ours any more. */
static void begin_queue_call(struct job_run *run)
{
    lease_keeper_release(run->parts->leases, &run->hold);
    run->queue_tries++;
    run->pending++;
}

enum run_state job_run_after_queue_call(struct job_run *run)
{
    if (job_run_has_failed(run) && run->answer.code == ERR_QUEUE && run->queue_tries < QUEUE_TRIES) {
        return run->state;
    }
    if (job_run_has_failed(run)) {
        log_debug("the queue was not told", JOB_RUN_IDS(run), log_err(&run->answer));
    }
    failpoint("job.told");
    return RUN_END;
}

void job_run_do_finish(struct job_run *run)
{
    failpoint("job.finishing");
    begin_queue_call(run);
    committer_finish(run->parts->committer, &run->commit_finish, &run->hold.lease, job_run_on_answer, run);
}

void job_run_do_retry(struct job_run *run)
{
    failpoint("job.retrying");
    begin_queue_call(run);
    queue_retry(run->parts->queue, &run->hold.lease, &run->job, run->delay_ms, &run->is_current,
                job_run_on_answer, run);
}

void job_run_do_give_back(struct job_run *run)
{
    failpoint("job.giving_back");
    begin_queue_call(run);
    queue_give_back(run->parts->queue, &run->hold.lease, 1, job_run_on_answer, run);
}
