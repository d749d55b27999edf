// SPDX-License-Identifier: Apache-2.0
#include "worker/metrics.h"

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/image/profile.h"
#include "common/net/loop_lag.h"
#include "worker/breaker.h"
#include "worker/parts.h"

#include <assert.h>
#include <stdlib.h>

enum { LABEL_BYTES = 128, VARIANTS_MAX = 4 * PROFILE_MAX_VARIANTS };

static const int64_t TOLD_MOST_US = INT64_C(3600) * 1000000;

static const char *const result_words[] = {[WORKER_DONE] = "ok",
                                           [WORKER_NOT_OWED] = "not_owed",
                                           [WORKER_PUT_OFF] = "put_off",
                                           [WORKER_GIVEN_BACK] = "given_back",
                                           [WORKER_LOST] = "lost"};

/* Lines that are made when they are first needed. */
struct worker_counts {
    struct metrics *registry;
    struct loop_lag lag;
    struct metric *results[WORKER_RESULT_COUNT];
    struct metric *codes[ERR_CODE_COUNT];
    struct {
        char name[PROFILE_NAME_BYTES];
        struct metric *encode;
    } variants[VARIANTS_MAX];
    size_t variant_count;
};

static void on_late(void *owner, uint64_t away_us)
{
    (void)owner;
    log_warn("the loop was away", log_int("ms", (int64_t)(away_us / 1000)));
}

struct worker_metrics *worker_metrics_new(struct loop *loop)
{
    struct worker_metrics *metrics = alloc_zeroed(1, sizeof *metrics);
    struct metrics *registry = metrics_new();
    metrics->counts = alloc_zeroed(1, sizeof *metrics->counts);
    metrics->counts->registry = registry;
    metric_set(metric_gauge(registry, "pixmill_build_info", "Which program this is, always 1.",
                            "program=\"pixmill-worker\",version=\"" PIXMILL_VERSION "\""),
               1);
#define WORKER_METRIC(kind, member, name, labels, help)                                                      \
    metrics->member = metric_##kind(registry, name, help, labels);
#include "worker/metrics.def"
#undef WORKER_METRIC
    loop_lag_start(&metrics->counts->lag, loop, on_late, NULL);
    return metrics;
}

static struct buf label_of(const char *name, const char *value)
{
    struct buf label;
    buf_init(&label, LABEL_BYTES);
    int status = metric_label(&label, name, value);
    assert(status == 0); /* words and names of ours are shorter */
    return label;
}

static void count_job(struct worker_metrics *metrics, struct metric **jobs, const char *word)
{
    if (*jobs == NULL) {
        struct buf label = label_of("result", word);
        *jobs = metric_counter(metrics->counts->registry, "pixmill_jobs_total",
                               "Jobs that ended here, by their result: ok, not_owed, put_off, given_back, "
                               "lost, or the code of the error that ended the attempt.",
                               label.data);
        buf_release(&label);
    }
    metric_add(*jobs, 1);
}

void worker_metrics_job(struct worker_metrics *metrics, enum worker_result result, enum err_code code)
{
    if (code == ERR_NONE) {
        count_job(metrics, &metrics->counts->results[result], result_words[result]);
    } else {
        /* codes that share a word share a line */
        count_job(metrics, &metrics->counts->codes[err_of_word(err_word(code))], err_word(code));
    }
}

void worker_metrics_told_us(struct metric *metric, int64_t us)
{
    int64_t most = us < TOLD_MOST_US ? us : TOLD_MOST_US;
    metric_observe_us(metric, most > 0 ? (uint64_t)most : 0);
}

void worker_metrics_variant(struct worker_metrics *metrics, const char *name, int64_t us)
{
    struct worker_counts *counts = metrics->counts;
    size_t i = 0;
    while (i < counts->variant_count && strcmp(counts->variants[i].name, name) != 0) {
        i++;
    }
    if (i == VARIANTS_MAX) {
        return; /* profiles that images ask for could name any number of them */
    }
    if (i == counts->variant_count) {
        struct buf label = label_of("variant", name);
        counts->variant_count++;
        snprintf(counts->variants[i].name, sizeof counts->variants[i].name, "%s", name);
        counts->variants[i].encode =
            metric_histogram(counts->registry, "pixmill_encode_seconds",
                             "Time in which a codec has made a variant, resizing included.", label.data);
        buf_release(&label);
    }
    worker_metrics_told_us(counts->variants[i].encode, us);
}

static void look(struct worker_metrics *metrics, const struct parts *parts,
                 const struct dispatcher_status *status)
{
    struct codec_pool_status codecs = codec_pool_status(parts->codecs);
    metric_set(metrics->in_hand, (double)status->in_hand);
    metric_set(metrics->paused, status->is_paused ? 1 : 0);
    metric_set(metrics->taken, (double)status->taken);
    metric_set(metrics->codecs_live, (double)codecs.live);
    metric_set(metrics->codecs_busy, (double)codecs.busy);
    metric_set(metrics->waiting, (double)codecs.waiting);
    metric_set(metrics->memory, (double)codecs.memory_bytes);
    metric_set(metrics->memory_budget, (double)codecs.memory_budget);
    metric_set(metrics->database_open, breaker_is_open(parts->database_breaker) ? 1 : 0);
    metric_set(metrics->storage_open, breaker_is_open(parts->storage_breaker) ? 1 : 0);
    metric_set(metrics->lag, (double)loop_lag_take_us(&metrics->counts->lag) / 1e6);
}

int worker_metrics_write(struct worker_metrics *metrics, const struct parts *parts,
                         const struct dispatcher_status *status, struct buf *out)
{
    look(metrics, parts, status);
    return metrics_write(metrics->counts->registry, out);
}

void worker_metrics_stop(struct worker_metrics *metrics)
{
    loop_lag_stop(&metrics->counts->lag);
}

void worker_metrics_free(struct worker_metrics *metrics)
{
    if (metrics != NULL) {
        metrics_free(metrics->counts->registry);
        free(metrics->counts);
        free(metrics);
    }
}
