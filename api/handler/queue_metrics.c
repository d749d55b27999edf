// SPDX-License-Identifier: Apache-2.0
#include "api/handler/queue_metrics.h"

#include "api/handler/queue_view.h"
#include "common/base/alloc.h"
#include "common/base/metric.h"

#include <math.h>
#include <stdlib.h>

enum { CLASSES = 3 };

struct queue_metrics {
    struct metric *ready[CLASSES];
    struct metric *oldest[CLASSES];
    struct metric *backlog[CLASSES];
    struct metric *delayed;
    struct metric *leased;
    struct metric *paused;
    struct metric *finished;
    struct metric *finished_rate;
    struct metric *expired;
    struct metric *dead;
    struct metric *workers;
    struct metric *codecs;
    struct metric *codecs_busy;
    struct metric *capacity;
};

static void make_lines(struct queue_metrics *metrics, struct metrics *registry)
{
    static const char *const labels[CLASSES] = {"class=\"high\"", "class=\"normal\"", "class=\"low\""};
    for (size_t i = 0; i < CLASSES; i++) {
        metrics->ready[i] =
            metric_gauge(registry, "pixmill_queue_ready_jobs", "Jobs that could be taken.", labels[i]);
        metrics->oldest[i] = metric_gauge(registry, "pixmill_queue_oldest_seconds",
                                          "Age of the oldest job that could be taken.", labels[i]);
        metrics->backlog[i] = metric_gauge(registry, "pixmill_queue_backlog_seconds",
                                           "In how long the jobs that could be taken now will have been; "
                                           "+Inf where jobs wait and no worker lives.",
                                           labels[i]);
    }
}

struct queue_metrics *queue_metrics_new(struct metrics *registry)
{
    struct queue_metrics *metrics = alloc_zeroed(1, sizeof *metrics);
    make_lines(metrics, registry);
    metrics->delayed =
        metric_gauge(registry, "pixmill_queue_delayed_jobs", "Jobs that wait for their time.", "");
    metrics->leased =
        metric_gauge(registry, "pixmill_queue_leased_jobs", "Jobs in the hands of workers.", "");
    metrics->paused = metric_gauge(registry, "pixmill_queue_paused", "1 where nothing is handed out.", "");
    metrics->finished = metric_counter(registry, "pixmill_queue_finished_total",
                                       "Jobs that workers have finished, since Redis was empty.", "");
    metrics->finished_rate =
        metric_gauge(registry, "pixmill_queue_finished_per_second",
                     "Jobs that workers finish a second, over the last ten seconds.", "");
    metrics->expired = metric_counter(registry, "pixmill_queue_expired_leases_total",
                                      "Leases that ran out, since Redis was empty.", "");
    metrics->dead = metric_gauge(registry, "pixmill_queue_dead_letters", "Jobs that were given up on.", "");
    metrics->workers = metric_gauge(registry, "pixmill_queue_workers",
                                    "Workers that told of themselves lately, but for those that stop.", "");
    metrics->codecs = metric_gauge(registry, "pixmill_queue_codecs", "Codec processes of those workers.", "");
    metrics->codecs_busy =
        metric_gauge(registry, "pixmill_queue_codecs_busy", "Codec processes at work on an image.", "");
    metrics->capacity =
        metric_gauge(registry, "pixmill_queue_capacity_per_second",
                     "Jobs a second that those codecs can do, by the times that they need.", "");
    return metrics;
}

void queue_metrics_free(struct queue_metrics *metrics)
{
    free(metrics);
}

void queue_metrics_set(struct queue_metrics *metrics, const struct queue_view *view)
{
    struct queue_sight sight;
    queue_view_look(view, &sight);
    const double unknown = (double)NAN;
    for (size_t i = 0; i < CLASSES; i++) {
        metric_set(metrics->ready[i], sight.is_known ? (double)sight.stats.ready[i] : unknown);
        metric_set(metrics->oldest[i],
                   sight.is_known ? (double)sight.stats.oldest_age_ms[i] / 1000 : unknown);
        metric_set(metrics->backlog[i], sight.is_known ? sight.backlog_seconds[i] : unknown);
    }
    metric_set(metrics->delayed, sight.is_known ? (double)sight.stats.delayed : unknown);
    metric_set(metrics->leased, sight.is_known ? (double)sight.stats.leased : unknown);
    metric_set(metrics->paused, sight.is_known ? (sight.stats.is_paused ? 1 : 0) : unknown);
    /* counters keep what was last known: a gap in them would be taken for a fresh start */
    metric_set(metrics->finished, (double)sight.stats.finished);
    metric_set(metrics->expired, (double)sight.stats.expired);
    metric_set(metrics->finished_rate, sight.is_known ? sight.finished_per_second : unknown);
    metric_set(metrics->dead, sight.dead >= 0 ? (double)sight.dead : unknown);
    metric_set(metrics->workers, sight.is_known ? (double)sight.pool.workers : unknown);
    metric_set(metrics->codecs, sight.is_known ? (double)sight.pool.codecs : unknown);
    metric_set(metrics->codecs_busy, sight.is_known ? (double)sight.pool.codecs_busy : unknown);
    metric_set(metrics->capacity, sight.is_known ? sight.pool.jobs_per_second : unknown);
}
