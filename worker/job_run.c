// SPDX-License-Identifier: Apache-2.0
/*
 *     BEGIN ─► FETCH ─► MEASURE ─► CODEC ─► SWITCH ─► FINISH ─► END
 *       │ not owed                    │          └─► OWE ─────▲
 *       │                             └─ shows small variants │
 *       └─────────────────────────────────────────────────────┘
 *     a failure of the job's own
 *       that may pass:                 AGAIN ─► RETRY ─► END
 *       of the storage's, perhaps:     ASK ─► as above, or an outage: AGAIN ─► RETRY with its counts as they were
 *       that can't pass, or once too often:
 *                                      FAIL ─► LEFTOVERS ─► REMOVE ─► FINISH ─► END
 *     the database is away:            RETRY ─► END
 *     asked to stop:                   AGAIN ─► GIVE_BACK ─► END
 *     the lease is lost:               LEFTOVERS ─► REMOVE ─► END
 *     a job that can't be read:        NOTE ─► FINISH ─► END
 *
 * OWE pushes the refinement of what was made in a hurry; refinements have a picture of their own in job_run_refine.c.
 *
 * While the codec is at work on the large variants, the row shows the small ones, once: a call beside the state, whose failure is
 * no failure of the job. CODEC waits for its answer, so it never comes after the switch.
 *
 * A disk that does not answer ends no state, but the lease: job_run_late.c.
 *
 * PostgreSQL comes before Redis in every path: what the queue has not heard yet is repeated and found not owed. The dead letter of a job
 * that failed once too often is written with its failure. Where the row says that it is not ours to fail or to put back (a newer
 * lease has begun on it, or an older one after us), the queue decides by its own token: the job comes again, if it is still ours.
 */
#include "worker/job_run.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "worker/codec_pool.h"
#include "worker/job_run_state.h"
#include "worker/load.h"
#include "worker/parts.h"

#include <unistd.h>

void job_run_on_answer(void *owner, const struct err *err)
{
    struct job_run *run = owner;
    run->pending--;
    run->answer = err != NULL ? *err : (struct err){.code = ERR_NONE};
    job_run_step(run);
}

static void on_output(void *owner)
{
    struct job_run *run = owner;
    if (run->state == RUN_CODEC) {
        job_run_show(run);
    }
    job_run_step(run);
}

void job_run_on_shown(void *owner, const struct err *err)
{
    failpoint("row.shown");
    struct job_run *run = owner;
    run->pending--;
    if (err != NULL) {
        log_debug("small variants are shown later", JOB_RUN_IDS(run), log_err(err));
    }
    job_run_step(run);
}

bool job_run_has_failed(const struct job_run *run)
{
    return run->answer.code != ERR_NONE;
}

void job_run_tell_codec_free(struct job_run *run)
{
    if (run->needs_codec) {
        run->needs_codec = false;
        run->events->on_codec_free(run->owner);
    }
}

static void do_nothing(struct job_run *run)
{
    (void)run;
}

static const struct {
    void (*start)(struct job_run *run);          /* begins calls */
    enum run_state (*next)(struct job_run *run); /* when all have answered */
} states[RUN_STATE_COUNT] = {
    [RUN_BEGIN] = {job_run_do_begin, job_run_after_begin},
    [RUN_REFINE] = {job_run_do_refine, job_run_after_refine},
    [RUN_PROFILE] = {job_run_do_profile, job_run_after_profile},
    [RUN_FETCH] = {job_run_do_fetch, job_run_after_fetch},
    [RUN_MEASURE] = {job_run_do_measure, job_run_after_measure},
    [RUN_CODEC] = {job_run_do_codec, job_run_after_codec},
    [RUN_SWITCH] = {job_run_do_switch, job_run_after_switch},
    [RUN_OWE] = {job_run_do_owe, job_run_after_owe},
    [RUN_REPLACE] = {job_run_do_replace, job_run_after_replace},
    [RUN_GIVE_UP] = {job_run_do_give_up, job_run_after_give_up},
    [RUN_ASK] = {job_run_do_ask, job_run_after_ask},
    [RUN_AGAIN] = {job_run_do_again, job_run_after_again},
    [RUN_FAIL] = {job_run_do_fail, job_run_after_fail},
    [RUN_LEFTOVERS] = {job_run_do_leftovers, job_run_after_leftovers},
    [RUN_REMOVE] = {do_nothing, job_run_after_remove},
    [RUN_FINISH] = {job_run_do_finish, job_run_after_queue_call},
    [RUN_RETRY] = {job_run_do_retry, job_run_after_queue_call},
    [RUN_NOTE] = {job_run_do_note, job_run_after_note},
    [RUN_GIVE_BACK] = {job_run_do_give_back, job_run_after_queue_call},
};

static void finish(struct job_run *run)
{
    job_run_count_end(run);
    lease_keeper_release(run->parts->leases, &run->hold);
    if (run->file.fd >= 0) {
        close(run->file.fd);
    }
    list_remove(&run->link);
    /* a refinement says nothing of how long live work takes */
    load_job_ended(run->parts->load,
                   job_run_is_refinement(run) ? 0 : run->done.decode_us + run->done.encode_us);
    job_run_tell_codec_free(run);
    run->events->on_end(run->owner, run);
    arena_free(run->arena);
    free(run);
}

static void set_state(struct job_run *run, enum run_state state)
{
    run->state = state;
    run->state_us = clock_monotonic_us();
    deadline_disarm(&run->late);
    if (state == RUN_FETCH || state == RUN_MEASURE || state == RUN_REMOVE) {
        job_run_expect_storage(run);
    }
    if (state != RUN_END) {
        states[state].start(run);
    }
}

void job_run_step(struct job_run *run)
{
    while (run->state != RUN_END && run->pending == 0 && run->output.pending == 0) {
        job_run_count_state(run);
        set_state(run, states[run->state].next(run));
    }
    if (run->state == RUN_END) {
        finish(run);
    }
}

/* A codec that has answered must not answer again, though the state may still wait for the row that shows what it made. */
static void cancel(struct job_run *run)
{
    if (run->state == RUN_CODEC && run->needs_codec && !run->is_cancelled) {
        run->is_cancelled = true;
        codec_pool_cancel(run->parts->codecs, &run->task);
    }
}

static void on_lost(void *owner)
{
    struct job_run *run = owner;
    log_warn("a lease was lost", JOB_RUN_IDS(run));
    metric_add(run->parts->metrics->lost, 1);
    run->is_lost = true;
    cancel(run);
}

/*
 * A lease can run out that nobody had: Redis gave it, and its answer was lost. That is no death, and a bad network must not bury good
 * images; so of the lost leases only as many count as work was begun.
 */
bool job_run_is_deadly(struct job_run *run, int begun)
{
    run->job.crashes += run->lost_leases < begun ? run->lost_leases : begun;
    if (run->job.crashes < run->parts->rules.max_crashes) {
        return false;
    }
    err_set(&run->why, ERR_CODEC_CRASHED, "%d workers or codecs died, or hung, while they had it",
            run->job.crashes);
    log_warn("a job that ends its workers is buried", JOB_RUN_IDS(run), log_err(&run->why));
    run->is_buried = true;
    run->plan = RUN_FINISH;
    return true;
}

/* A job that should not even be begun starts further down. */
static enum run_state first_state(struct job_run *run, const struct queue_taken *taken)
{
    if (!taken->is_known) {
        run->needs_codec = false;
        err_set(&run->why, ERR_UNKNOWN_JOB, "a job of an unknown version");
        log_error("a job of an unknown version is put aside", log_text("job", taken->lease.id));
        run->is_buried = true;
        run->plan = RUN_FINISH;
        return RUN_NOTE;
    }
    run->lost_leases = taken->lost_leases;
    if (!job_run_is_refinement(run)) {
        /* who fails a row must have begun on it: the row obeys the last who did */
        return RUN_BEGIN;
    }
    if (job_run_is_deadly(run, taken->lost_leases)) {
        run->needs_codec = false;
        return RUN_GIVE_UP;
    }
    return RUN_REFINE;
}

struct job_run *job_run_start(const struct parts *parts, const struct queue_taken *taken,
                              const struct job_run_events *events, void *owner)
{
    failpoint("job.taken");
    struct job_run *run = alloc_zeroed(1, sizeof *run);
    list_init(&run->link);
    run->parts = parts;
    run->events = events;
    run->owner = owner;
    run->arena = arena_new();
    run->job = taken->job;
    job_run_set_profile(run, &parts->profile);
    if (job_run_is_refinement(run)) {
        run->output.pass = IMAGE_NAME_REFINED;
    }
    run->file.fd = -1;
    run->needs_codec = true;
    run->output.changed = on_output;
    run->output.owner = run;
    run->started_us = clock_monotonic_us();
    trace_write_id(run->job.trace, run->trace);
    job_run_count_start(run, taken);
    load_job_begun(parts->load);
    lease_keeper_hold(parts->leases, &run->hold, &taken->lease, on_lost, run);
    set_state(run, first_state(run, taken));
    return run;
}

struct list *job_run_link(struct job_run *run)
{
    return &run->link;
}

struct job_run *job_run_of_link(struct list *link)
{
    return list_owner(link, struct job_run, link);
}

const char *job_run_name(const struct job_run *run)
{
    return run->hold.lease.id;
}

bool job_run_needs_codec(const struct job_run *run)
{
    return run->needs_codec;
}

void job_run_drain(struct job_run *run)
{
    if (run->state < RUN_CODEC || (run->state == RUN_CODEC && run->task.child == NULL)) {
        job_run_stop(run);
    }
}

void job_run_stop(struct job_run *run)
{
    if (run->state <= RUN_CODEC) {
        run->is_stopped = true;
        cancel(run);
    }
}
