// SPDX-License-Identifier: Apache-2.0
/* What becomes of a job that did not go well. */
#include "worker/job_run_state.h"

#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "worker/parts.h"

/* The wait of a job that met an outage, or another holder's row, which is no failure of its own. */
enum { AWAY_MS = 1000 };

/* The row of a refinement is ready, whatever becomes of it. */
static enum run_state again(const struct job_run *run)
{
    return job_run_is_refinement(run) ? run->plan : RUN_AGAIN;
}

static enum run_state fail(const struct job_run *run)
{
    return job_run_is_refinement(run) ? RUN_GIVE_UP : RUN_FAIL;
}

/* Counts a failure of the job's own and decides what becomes of it. */
static enum run_state judge(struct job_run *run)
{
    static const char *const words[] = {[JOB_AGAIN] = "again", [JOB_FAIL] = "failed", [JOB_BURY] = "buried"};
    enum job_verdict verdict =
        job_retry(&run->parts->rules, run->why.code, random_below(UINT64_MAX), &run->job, &run->delay_ms);
    log_warn("a job failed", JOB_RUN_IDS(run), log_err(&run->why), log_text("verdict", words[verdict]),
             log_int("attempt", run->job.attempt), log_int("crashes", run->job.crashes));
    switch (verdict) {
    case JOB_AGAIN:
        run->plan = RUN_RETRY;
        return again(run);
    case JOB_FAIL:
        run->plan = RUN_FINISH;
        return fail(run);
    case JOB_BURY:
        run->is_buried = true;
        run->plan = RUN_FINISH;
        return fail(run);
    }
    return fail(run);
}

static void come_again(struct job_run *run)
{
    run->plan = RUN_RETRY;
    run->delay_ms = random_below(AWAY_MS) + 1;
}

/* The job waits for something to come back, with its counts as they were. */
static enum run_state wait_for_outage(struct job_run *run, enum run_state next)
{
    log_debug("a job waits for a dependency", JOB_RUN_IDS(run), log_err(&run->why));
    come_again(run);
    return next;
}

/* Where every failure before the row was switched is sorted. */
enum run_state job_run_settle(struct job_run *run, const struct err *err)
{
    if (run->is_lost) {
        run->plan = RUN_END;
        return RUN_LEFTOVERS;
    }
    if (run->is_stopped) {
        run->plan = RUN_GIVE_BACK;
        return again(run);
    }
    run->why = *err;
    if (err->code == ERR_DATABASE || err->code == ERR_OVERLOADED || err->code == ERR_SHUTDOWN) {
        /* the row can't be told; `processing` is owed as much as `pending` is */
        breaker_trip(run->parts->database_breaker);
        return wait_for_outage(run, RUN_RETRY);
    }
    if (err->code == ERR_STORAGE_FULL ||
        (err->code == ERR_STORAGE && breaker_is_open(run->parts->storage_breaker))) {
        /* full for this file, whatever a smaller one would meet; or known to be away, though it may be back by now */
        breaker_trip(run->parts->storage_breaker);
        return wait_for_outage(run, again(run));
    }
    return err->code == ERR_STORAGE ? RUN_ASK : judge(run);
}

void job_run_do_ask(struct job_run *run)
{
    failpoint("job.asking");
    run->pending++;
    breaker_ask(run->parts->storage_breaker, &run->question, job_run_on_answer, run);
}

enum run_state job_run_after_ask(struct job_run *run)
{
    if (run->is_lost) {
        return job_run_settle(run, &run->answer);
    }
    if (!job_run_has_failed(run)) {
        return judge(run);
    }
    run->plan = RUN_RETRY;
    return wait_for_outage(run, again(run));
}

void job_run_do_again(struct job_run *run)
{
    failpoint("job.yielding");
    run->pending++;
    db_image_again(run->parts->db, run->job.image, run->job.generation, run->hold.lease.fence,
                   &run->is_current, job_run_on_answer, run);
}

enum run_state job_run_after_again(struct job_run *run)
{
    if (job_run_has_failed(run)) {
        breaker_trip(run->parts->database_breaker);
        return run->plan;
    }
    return run->is_current ? run->plan : RUN_LEFTOVERS;
}

void job_run_do_fail(struct job_run *run)
{
    struct db_image_failure failure = {.job = &run->job,
                                       .fence = run->hold.lease.fence,
                                       .code = run->why.code,
                                       .sentence = run->why.sentence,
                                       .is_buried = run->is_buried};
    failpoint("job.failing");
    if (run->is_buried) {
        failpoint("job.burying");
    }
    run->pending++;
    db_image_failed(run->parts->db, &failure, &run->is_current, job_run_on_answer, run);
}

enum run_state job_run_after_fail(struct job_run *run)
{
    if (job_run_has_failed(run)) {
        breaker_trip(run->parts->database_breaker);
        return wait_for_outage(run, RUN_RETRY);
    }
    if (!run->is_current) {
        /* it is not owed any more, or somebody else's; what of it is still ours is seen when it comes again */
        come_again(run);
    }
    failpoint("job.failed");
    return RUN_LEFTOVERS;
}

void job_run_do_leftovers(struct job_run *run)
{
    run->pending++;
    db_image_get(run->parts->db, run->arena, run->job.image, NULL, &run->row, job_run_on_answer, run);
}

static bool is_leftover(const struct job_run *run, const struct db_image *row)
{
    if (job_run_is_refinement(run) && row != NULL && row->generation == run->job.generation &&
        row->to_refine) {
        /* who refines it now writes, or wrote, the same names */
        return false;
    }
    return job_output_is_leftover(row, run->job.generation);
}

enum run_state job_run_after_leftovers(struct job_run *run)
{
    bool is_gone = run->answer.code == ERR_NOT_FOUND;
    if (job_run_has_failed(run) && !is_gone) {
        log_debug("files may be left over", JOB_RUN_IDS(run), log_err(&run->answer));
        return run->plan;
    }
    if (!run->has_output && !is_gone) {
        run->has_output = job_output_init(&run->output, run->parts->storage, &run->profile,
                                          run->row.stored_name, run->job.generation, NULL) == 0;
    }
    if (!run->has_output || !is_leftover(run, is_gone ? NULL : &run->row)) {
        return run->plan;
    }
    failpoint("job.removing");
    job_output_remove(&run->output, is_gone ? NULL : &run->row);
    return RUN_REMOVE;
}

enum run_state job_run_after_remove(struct job_run *run)
{
    return run->plan;
}
