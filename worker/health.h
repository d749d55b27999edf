// SPDX-License-Identifier: Apache-2.0
/*
 * The worker's own /metrics (metrics.h) and /healthz, for container health checks: a small responder that answers whatever else
 * is asked with 200 or 503 and JSON. A worker is unwell where no codec is ready, or where there is backlog and a free codec and yet no job
 * was taken for STUCK_MS: the commonest failure of such systems looks alive from outside.
 */
#ifndef PIXMILL_WORKER_HEALTH_H
#define PIXMILL_WORKER_HEALTH_H

#include "common/base/err.h"

#include <stdint.h>

struct dispatcher;
struct health;
struct parts;

/* What the rule looks at, at one moment. */
struct health_view {
    int64_t backlog; /* jobs that could be taken; -1: the queue could not be asked */
    bool has_codec;  /* one lives */
    bool is_codec_free;
    bool is_paused; /* nothing is to be taken: a dependency is away, or operators have paused the queue */
    uint64_t taken; /* jobs taken so far */
};

/* The rule's memory between two looks. Zero-initialized: all well. */
struct health_rule {
    uint64_t taken;
    uint64_t stuck_since_ms; /* 0: not stuck */
    uint64_t bare_since_ms;  /* without a codec since; 0: has one */
};

enum { HEALTH_STUCK_MS = 5000 };

/* Looks once; now_ms is any monotonic clock, > 0. Returns NULL where all is well, else what is wrong. Pure. */
const char *health_look(struct health_rule *rule, const struct health_view *view, uint64_t now_ms);

/* Listens on "host:port" (numeric host). NULL with *err where that can't be. Closed with health_close. */
struct health *health_open(const struct parts *parts, const struct dispatcher *dispatcher, const char *listen,
                           struct err *err);

/* Stops listening, closes its connections and frees; closed(owner) is the last call, from the loop. */
void health_close(struct health *health, void (*closed)(void *owner), void *owner);

#endif
