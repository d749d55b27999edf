// SPDX-License-Identifier: Apache-2.0
/*
 * The states of a refinement: variants that were made in a hurry are made again, with all the effort that the profile gives them.
 * The row is ready all the while, and stays what it is where that comes to nothing:
 *
 *     REFINE ─► FETCH ─► MEASURE ─► CODEC ─► REPLACE ─► FINISH ─► END
 *       │ others wait: RETRY, later                      ▲
 *       │ not owed ──────────────────────────────────────┤
 *       │ of another profile: PROFILE ─► FETCH, as above
 *       │                        └ nobody knows it ─┐
 *       └ nothing to refine: GIVE_UP ─► LEFTOVERS ─► REMOVE ─► FINISH
 *
 * GIVE_UP is to a refinement what FAIL is to others: it is owed no more. What row and queue are told is guarded by the generation and by
 * the row's to_refine, so it happens once.
 */
#include "worker/job_run_state.h"

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "worker/load.h"
#include "worker/parts.h"

enum { WAIT_LEAST_MS = 500, WAIT_MOST_MS = 60000 };

bool job_run_is_refinement(const struct job_run *run)
{
    return run->job.type == JOB_REFINE;
}

/* As long as the backlog takes, and a bit, so that what was put off does not come back at once. */
static uint64_t wait_ms(const struct job_run *run)
{
    uint64_t backlog_ms = (uint64_t)load_backlog_seconds(run->parts->load) * 1000;
    uint64_t most = backlog_ms < WAIT_MOST_MS ? backlog_ms : WAIT_MOST_MS;
    return WAIT_LEAST_MS + most + random_below(WAIT_LEAST_MS);
}

void job_run_do_owe(struct job_run *run)
{
    failpoint("refine.owing");
    struct job job = {.type = JOB_REFINE,
                      .image = run->job.image,
                      .generation = run->job.generation,
                      .class = JOB_LOW,
                      .enqueued_at_ms = clock_wall_us() / 1000};
    memcpy(job.trace, run->job.trace, sizeof job.trace);
    run->pending++;
    queue_push(run->parts->queue, &job, 0, wait_ms(run), job_run_on_answer, run);
}

enum run_state job_run_after_owe(struct job_run *run)
{
    if (job_run_has_failed(run)) {
        log_debug("a refinement is pushed later", JOB_RUN_IDS(run), log_err(&run->answer));
    }
    return RUN_FINISH;
}

void job_run_do_refine(struct job_run *run)
{
    run->pending++;
    db_image_get(run->parts->db, run->arena, run->job.image, NULL, &run->row, job_run_on_answer, run);
}

static bool is_owed(const struct job_run *run)
{
    return run->row.generation == run->job.generation && run->row.to_refine &&
           strcmp(run->row.status, "ready") == 0;
}

static enum run_state give_up(struct job_run *run)
{
    run->result = WORKER_NOT_OWED;
    run->plan = RUN_FINISH;
    return RUN_GIVE_UP;
}

static enum run_state fetch(struct job_run *run)
{
    struct err err;
    failpoint("refine.begun");
    run->work = (struct db_image_work){.is_owed = true,
                                       .stored_name = run->row.stored_name,
                                       .format = run->row.format,
                                       .bytes = run->row.bytes};
    run->has_output = job_output_init(&run->output, run->parts->storage, &run->profile, run->row.stored_name,
                                      run->job.generation, &err) == 0;
    return run->has_output ? RUN_FETCH : job_run_settle(run, &err);
}

enum run_state job_run_after_refine(struct job_run *run)
{
    if (run->answer.code == ERR_NOT_FOUND || (!job_run_has_failed(run) && !is_owed(run))) {
        run->result = WORKER_NOT_OWED;
        return RUN_FINISH;
    }
    if (job_run_has_failed(run) || run->is_lost || run->is_stopped) {
        return job_run_settle(run, &run->answer);
    }
    if (load_has_waiting(run->parts->load)) {
        failpoint("refine.waiting");
        run->result = WORKER_PUT_OFF;
        run->delay_ms = wait_ms(run);
        return RUN_RETRY;
    }
    if (strcmp(run->row.profile, run->profile.identity) != 0) {
        return RUN_PROFILE;
    }
    return run->profile.count > 0 ? fetch(run) : give_up(run);
}

void job_run_do_profile(struct job_run *run)
{
    run->pending++;
    db_image_profile(run->parts->db, run->arena, run->row.profile, &run->profile_json, job_run_on_answer,
                     run);
}

enum run_state job_run_after_profile(struct job_run *run)
{
    struct err err;
    if (job_run_has_failed(run) || run->is_lost || run->is_stopped) {
        return job_run_settle(run, &run->answer);
    }
    if (run->profile_json == NULL) {
        /* what that profile wanted is not known here, and nobody need wait for a worker that does */
        return give_up(run);
    }
    if (job_run_adopt_profile(run, run->profile_json, &err) != 0) {
        return job_run_settle(run, &err);
    }
    bool is_it = strcmp(run->row.profile, run->profile.identity) == 0;
    return is_it && run->profile.count > 0 ? fetch(run) : give_up(run);
}

bool job_run_is_worth_it(const struct job_run *run, const struct wire_variant *variant)
{
    const char *name = run->profile.variants[variant->index].name;
    for (size_t i = 0; i < run->row.variant_count; i++) {
        if (strcmp(run->row.variants[i].name, name) == 0) {
            return variant->bytes < run->row.variants[i].bytes;
        }
    }
    return false;
}

void job_run_do_replace(struct job_run *run)
{
    failpoint("refine.replacing");
    struct db_variant variants[PROFILE_MAX_VARIANTS];
    struct db_image_result result = {.id = run->job.image,
                                     .generation = run->job.generation,
                                     .width_px = run->row.width_px,
                                     .height_px = run->row.height_px,
                                     .variants = variants,
                                     .variant_count =
                                         job_output_list(&run->output, run->profile.count, variants)};
    run->pending++;
    db_image_refined(run->parts->db, &result, &run->is_current, job_run_on_answer, run);
}

enum run_state job_run_after_replace(struct job_run *run)
{
    if (job_run_has_failed(run)) {
        return job_run_settle(run, &run->answer);
    }
    failpoint("refine.replaced");
    struct db_variant variants[PROFILE_MAX_VARIANTS];
    bool is_kept = run->is_current && job_output_list(&run->output, run->profile.count, variants) > 0;
    metric_add(is_kept ? run->parts->metrics->refined : run->parts->metrics->not_refined, 1);
    log_debug("an image was refined", JOB_RUN_IDS(run), log_int("encode_us", run->done.encode_us));
    return RUN_FINISH;
}

void job_run_do_give_up(struct job_run *run)
{
    failpoint("refine.giving_up");
    struct db_image_failure failure = {.job = &run->job,
                                       .fence = run->hold.lease.fence,
                                       .code = run->why.code,
                                       .sentence = run->why.sentence,
                                       .is_buried = run->is_buried};
    run->pending++;
    db_image_unrefined(run->parts->db, &failure, &run->is_current, job_run_on_answer, run);
}

enum run_state job_run_after_give_up(struct job_run *run)
{
    if (job_run_has_failed(run)) {
        breaker_trip(run->parts->database_breaker);
        run->plan = RUN_RETRY;
        run->delay_ms = wait_ms(run);
        return RUN_RETRY;
    }
    return RUN_LEFTOVERS;
}
