// SPDX-License-Identifier: Apache-2.0
/* The states in which an image's variants are made and its row is switched. */
#include "worker/job_run_state.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "worker/codec_pool.h"
#include "worker/load.h"
#include "worker/parts.h"

#include <unistd.h>

static bool must_leave(const struct job_run *run)
{
    return run->is_lost || run->is_stopped;
}

void job_run_do_begin(struct job_run *run)
{
    run->pending++;
    db_image_begin(run->parts->db, run->arena, run->job.image, run->job.generation, run->hold.lease.fence,
                   &run->work, job_run_on_answer, run);
}

enum run_state job_run_after_begin(struct job_run *run)
{
    if (job_run_has_failed(run) || (must_leave(run) && run->work.is_owed)) {
        return job_run_settle(run, &run->answer);
    }
    if (!run->work.is_owed) {
        log_debug("a job is not owed any more", JOB_RUN_IDS(run));
        run->result = WORKER_NOT_OWED;
        return RUN_FINISH;
    }
    struct err err;
    struct profile hurried;
    int status =
        run->work.profile_json != NULL ? job_run_adopt_profile(run, run->work.profile_json, &err) : 0;
    if (job_run_is_deadly(run, run->work.attempts - 1)) {
        return RUN_FAIL;
    }
    if (status != 0) {
        return job_run_settle(run, &err);
    }
    run->is_hurried = load_backlog_seconds(run->parts->load) > run->profile.busy_seconds &&
                      profile_hurry(&run->profile, &hurried);
    run->output.pass = run->is_hurried ? IMAGE_NAME_HURRIED : IMAGE_NAME_PLAIN;
    run->has_output = job_output_init(&run->output, run->parts->storage, &run->profile, run->work.stored_name,
                                      run->job.generation, &err) == 0;
    return run->has_output ? RUN_FETCH : job_run_settle(run, &err);
}

void job_run_do_fetch(struct job_run *run)
{
    failpoint("job.begun");
    run->pending++;
    storage_get(run->parts->storage, run->work.stored_name, &run->file, job_run_on_answer, run);
}

enum run_state job_run_after_fetch(struct job_run *run)
{
    struct err err;
    if (job_run_has_failed(run) || must_leave(run)) {
        return job_run_settle(run, &run->answer);
    }
    if (run->file.bytes != run->work.bytes) {
        err_set(&err, ERR_CORRUPT_IMAGE, "the original has %lld bytes, not %lld", (long long)run->file.bytes,
                (long long)run->work.bytes);
        return job_run_settle(run, &err);
    }
    if (run->work.format == IMAGE_UNKNOWN) {
        err_set(&err, ERR_UNSUPPORTED_FORMAT, "the row names no format");
        return job_run_settle(run, &err);
    }
    return RUN_MEASURE;
}

static void on_variant(void *owner, const struct wire_variant *variant, int fd)
{
    struct job_run *run = owner;
    worker_metrics_variant(run->parts->metrics, run->profile.variants[variant->index].name, variant->make_us);
    if (fd >= 0 && job_run_is_refinement(run) && !job_run_is_worth_it(run, variant)) {
        close(fd);
        fd = -1;
    }
    metric_add(run->parts->metrics->stored_bytes, fd >= 0 ? variant->bytes : 0);
    job_output_store(&run->output, variant, fd);
}

void job_run_show(struct job_run *run)
{
    size_t count = job_output_early_count(&run->output);
    struct db_variant variants[PROFILE_MAX_VARIANTS];
    /* when the codec is done, the switch follows at once */
    if (job_run_is_refinement(run) || run->was_shown || count == 0 || !run->needs_codec || must_leave(run)) {
        return;
    }
    struct db_image_result result = {.id = run->job.image,
                                     .generation = run->job.generation,
                                     .width_px = run->task.head.upright_width_px,
                                     .height_px = run->task.head.upright_height_px,
                                     .variants = variants,
                                     .variant_count = job_output_list(&run->output, count, variants)};
    run->was_shown = true;
    run->pending++;
    db_image_show(run->parts->db, &result, &run->is_shown, job_run_on_shown, run);
}

static void on_codec_end(void *owner, const struct wire_done *done, const struct err *err)
{
    struct job_run *run = owner;
    if (done != NULL) {
        run->done = *done;
        worker_metrics_told_us(run->parts->metrics->decode, done->decode_us);
    }
    job_run_tell_codec_free(run);
    job_run_expect_storage(run);
    job_run_on_answer(run, err);
}

void job_run_do_codec(struct job_run *run)
{
    failpoint("job.fetched");
    run->task.input_fd = run->file.fd;
    run->task.job = (struct wire_job){.input_bytes = run->file.bytes,
                                      .format = run->work.format,
                                      .fail_on = run->parts->fail_on,
                                      .limits = run->parts->limits,
                                      .profile = run->profile};
    if (run->is_hurried) {
        (void)profile_hurry(&run->profile, &run->task.job.profile);
    }
    run->task.on_variant = on_variant;
    run->task.on_end = on_codec_end;
    run->task.owner = run;
    run->pending++;
    codec_pool_submit(run->parts->codecs, &run->task);
}

enum run_state job_run_after_codec(struct job_run *run)
{
    if (job_run_has_failed(run) || run->is_lost) {
        return job_run_settle(run, &run->answer);
    }
    if (run->output.err.code != ERR_NONE) {
        return job_run_settle(run, &run->output.err);
    }
    return job_run_is_refinement(run) ? RUN_REPLACE : RUN_SWITCH;
}

void job_run_do_switch(struct job_run *run)
{
    failpoint("row.switching");
    const unsigned char *colour = run->done.dominant_colour;
    run->made = (struct db_image_result){
        .id = run->job.image,
        .generation = run->job.generation,
        .width_px = run->done.width_px,
        .height_px = run->done.height_px,
        .profile = run->profile.identity,
        .blurhash = run->done.blurhash,
        .dominant_colour = arena_format(run->arena, "#%02x%02x%02x", colour[0], colour[1], colour[2]),
        .variants = run->variants,
        .variant_count = job_output_list(&run->output, run->profile.count, run->variants),
        .to_refine = run->is_hurried,
        .unused = run->others,
        .unused_count = run->work.attempts > 1 ? job_output_list_others(&run->output, run->others) : 0};
    run->pending++;
    committer_switch(run->parts->committer, &run->commit, &run->made, job_run_on_answer, run);
}

enum run_state job_run_after_switch(struct job_run *run)
{
    if (job_run_has_failed(run)) {
        return job_run_settle(run, &run->answer);
    }
    if (!run->commit.is_current) {
        /* db_image_ready has seen to the files */
        log_debug("a row has moved on", JOB_RUN_IDS(run));
        run->result = WORKER_NOT_OWED;
        return RUN_FINISH;
    }
    failpoint("row.switched");
    metric_add(run->parts->metrics->hurried, run->is_hurried);
    log_debug("an image is done", JOB_RUN_IDS(run),
              log_int("ms", (int64_t)((clock_monotonic_us() - run->started_us) / 1000)),
              log_int("decode_us", run->done.decode_us), log_int("encode_us", run->done.encode_us),
              log_int("peak_bytes", run->done.peak_bytes), log_int("hurried", run->is_hurried));
    return run->is_hurried ? RUN_OWE : RUN_FINISH;
}
