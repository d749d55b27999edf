// SPDX-License-Identifier: Apache-2.0
#include "worker/heartbeat.h"

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/queue/queue.h"
#include "worker/codec_pool.h"
#include "worker/dispatcher.h"
#include "worker/load.h"
#include "worker/rounds.h"

enum { BEAT_MS = 1000, LIVE_MS = 5000 };

struct heartbeat {
    const struct parts *parts;           /* borrowed */
    const struct dispatcher *dispatcher; /* borrowed */
    struct rounds rounds;
    struct queue_worker told;
    bool is_stopping;
};

static void on_told(void *owner, const struct err *err)
{
    struct heartbeat *heartbeat = owner;
    if (err != NULL) {
        log_debug("the queue was not told of this worker", log_err(err));
    }
    rounds_rest(&heartbeat->rounds, BEAT_MS);
}

static const char *state_of(const struct heartbeat *heartbeat, const struct dispatcher_status *status)
{
    if (heartbeat->is_stopping) {
        return "stopping";
    }
    return status->is_paused || load_is_queue_paused(heartbeat->parts->load) ? "paused" : "working";
}

static void beat(void *owner)
{
    struct heartbeat *heartbeat = owner;
    struct queue_worker *told = &heartbeat->told;
    const struct parts *parts = heartbeat->parts;
    struct dispatcher_status status = dispatcher_status(heartbeat->dispatcher);
    const char *names[QUEUE_WORKER_JOBS];
    size_t live = codec_pool_live(parts->codecs);
    size_t idle = codec_pool_free(parts->codecs);
    snprintf(told->state, sizeof told->state, "%s", state_of(heartbeat, &status));
    told->codecs_busy = (int64_t)(live > idle ? live - idle : 0);
    told->in_hand = (int64_t)status.in_hand;
    told->taken = (int64_t)status.taken;
    told->codec_us = load_codec_us(parts->load);
    told->job_count = dispatcher_jobs(heartbeat->dispatcher, names, QUEUE_WORKER_JOBS);
    for (size_t i = 0; i < told->job_count; i++) {
        snprintf(told->jobs[i], sizeof told->jobs[i], "%s", names[i]);
    }
    queue_beat(parts->queue, told, LIVE_MS, on_told, heartbeat);
}

struct heartbeat *heartbeat_open(const struct parts *parts, const struct dispatcher *dispatcher,
                                 size_t codecs)
{
    struct heartbeat *heartbeat = alloc_zeroed(1, sizeof *heartbeat);
    heartbeat->parts = parts;
    heartbeat->dispatcher = dispatcher;
    snprintf(heartbeat->told.holder, sizeof heartbeat->told.holder, "%s", parts->holder);
    heartbeat->told.codecs = (int64_t)codecs;
    heartbeat->told.started_at_ms = clock_wall_us() / 1000;
    rounds_start(&heartbeat->rounds, parts->loop, 1, beat, free, heartbeat);
    return heartbeat;
}

void heartbeat_stopping(struct heartbeat *heartbeat)
{
    heartbeat->is_stopping = true;
    rounds_hurry(&heartbeat->rounds);
}

void heartbeat_close(struct heartbeat *heartbeat, void (*closed)(void *owner), void *owner)
{
    rounds_close(&heartbeat->rounds, closed, owner);
}
