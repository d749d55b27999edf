// SPDX-License-Identifier: Apache-2.0
/* What is counted of a run (metrics.h), apart from what it does. */
#include "worker/job_run_state.h"

#include "common/base/clock.h"
#include "worker/parts.h"

/* Later attempts, and refinements, have waited because they were told to. */
static bool is_first_attempt(const struct job_run *run)
{
    return run->job.attempt == 0 && run->job.crashes == 0 && !job_run_is_refinement(run);
}

void job_run_count_start(struct job_run *run, const struct queue_taken *taken)
{
    int64_t waited_ms = clock_wall_us() / 1000 - run->job.enqueued_at_ms;
    run->output.store_time = run->parts->metrics->store;
    if (taken->is_known && taken->lost_leases == 0 && is_first_attempt(run)) {
        /* the clocks of two machines may differ */
        metric_observe_us(run->parts->metrics->wait, waited_ms > 0 ? (uint64_t)waited_ms * 1000 : 0);
    }
}

void job_run_count_state(const struct job_run *run)
{
    const struct worker_metrics *metrics = run->parts->metrics;
    uint64_t took_us = clock_monotonic_us() - run->state_us;
    if (run->state == RUN_FETCH) {
        metric_observe_us(metrics->read, took_us);
        metric_add(metrics->read_bytes, run->file.fd >= 0 ? run->file.bytes : 0);
    } else if (run->state == RUN_CODEC) {
        metric_observe_us(metrics->codec, took_us);
    } else if (run->state == RUN_SWITCH || run->state == RUN_REPLACE) {
        metric_observe_us(metrics->commit, took_us);
    }
}

void job_run_count_end(const struct job_run *run)
{
    struct worker_metrics *metrics = run->parts->metrics;
    bool has_failed = run->why.code != ERR_NONE && !run->is_lost;
    enum worker_result result = run->is_lost                 ? WORKER_LOST
                                : run->plan == RUN_GIVE_BACK ? WORKER_GIVEN_BACK
                                                             : run->result;
    worker_metrics_job(metrics, result, has_failed ? run->why.code : ERR_NONE);
    metric_observe_us(metrics->run, clock_monotonic_us() - run->started_us);
    metric_add(metrics->retried, has_failed && run->plan == RUN_RETRY);
    metric_add(metrics->buried, has_failed && run->is_buried && run->plan == RUN_FINISH);
}
