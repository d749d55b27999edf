// SPDX-License-Identifier: Apache-2.0
/*
 * What a worker counts, for its /metrics (health.h). A part that has something to count adds to a member; metrics.def says what each
 * is. Owned by worker.c; of the loop's thread.
 */
#ifndef PIXMILL_WORKER_METRICS_H
#define PIXMILL_WORKER_METRICS_H

#include "common/base/err.h"
#include "common/base/metric.h"
#include "worker/codec_pool.h"
#include "worker/dispatcher.h"

#include <stdint.h>

struct buf;
struct loop;
struct parts;
struct worker_counts;

/* How a job ended here, beside the codes of errors. */
enum worker_result {
    WORKER_DONE,       /* its image is ready, or refined */
    WORKER_NOT_OWED,   /* there was nothing to do any more */
    WORKER_PUT_OFF,    /* a refinement waits until nothing else does */
    WORKER_GIVEN_BACK, /* asked to stop, it was left to others */
    WORKER_LOST,       /* others have its lease */
    WORKER_RESULT_COUNT
};

struct worker_metrics {
    struct metric *deaths[CODEC_DEATH_COUNT];
    struct metric *wait, *run, *take, *read, *codec, *decode, *store, *commit;
    struct metric *taken, *retried, *buried, *lost, *hurried, *refined, *not_refined;
    struct metric *read_bytes, *stored_bytes, *in_hand, *paused;
    struct metric *codecs_replaced, *codecs_live, *codecs_busy, *waiting, *memory, *memory_budget;
    struct metric *repaired, *rebuilds, *swept;
    struct metric *database_trips, *storage_trips, *database_open, *storage_open, *lag;
    struct worker_counts *counts; /* metrics.c's own */
};

/* Makes them all, and starts to watch the loop. Never NULL. */
struct worker_metrics *worker_metrics_new(struct loop *loop);

/* Counts the end of a job: by the code of the error that decided, or by result where code is ERR_NONE. */
void worker_metrics_job(struct worker_metrics *metrics, enum worker_result result, enum err_code code);

/* Observes what a codec tells of a time: never more than an hour, since codecs are not believed. */
void worker_metrics_told_us(struct metric *metric, int64_t us);

/* Observes how long a variant took, by its name in the profile. */
void worker_metrics_variant(struct worker_metrics *metrics, const char *name, int64_t us);

/* Looks at what is a state rather than a count, and appends the text. Returns 0, or -1 (nothing added) over out's limit. */
int worker_metrics_write(struct worker_metrics *metrics, const struct parts *parts,
                         const struct dispatcher_status *status, struct buf *out) MUST_CHECK;

/* Watches the loop no more. */
void worker_metrics_stop(struct worker_metrics *metrics);

/* Frees; nobody counts any more. NULL is allowed. */
void worker_metrics_free(struct worker_metrics *metrics);

#endif
