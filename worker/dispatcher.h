// SPDX-License-Identifier: Apache-2.0
/*
 * Takes jobs out of the queue, never more than the codecs will start soon, and owns the runs of those in hand.
 *
 *     TAKING ──some──► (runs) ──room──► TAKING          PAUSED: a dependency is away or hangs, or no codec lives
 *        │ none                                          FULL: as many in hand as may be
 *        └──► WAITING (<= 1 s) ──► TAKING                REST: Redis failed; a back-off
 *
 * Every state but TAKING and WAITING, whose calls have deadlines, is left by a deadline at the latest: whatever was
 * missed, a worker asks again soon.
 */
#ifndef PIXMILL_WORKER_DISPATCHER_H
#define PIXMILL_WORKER_DISPATCHER_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct dispatcher;
struct parts;

/* Starts taking. Never NULL; ended by dispatcher_stop. parts outlive it. */
struct dispatcher *dispatcher_open(const struct parts *parts);

/* Something changed that claiming depends on: a codec, a breaker. */
void dispatcher_wake(struct dispatcher *dispatcher);

/*
 * Takes nothing more from now on, gives back what no codec has begun with, lets the rest go on for at most grace_ms,
 * and gives that back then. stopped(owner) is called from the loop when no run is left and no call is pending.
 */
void dispatcher_stop(struct dispatcher *dispatcher, uint64_t grace_ms, void (*stopped)(void *owner),
                     void *owner);

/* Frees a dispatcher that has stopped. */
void dispatcher_free(struct dispatcher *dispatcher);

struct dispatcher_status {
    size_t in_hand;       /* jobs */
    size_t needing_codec; /* of them */
    bool is_paused;       /* a dependency is away */
    uint64_t taken;       /* jobs so far */
};

/* What it is doing now. */
struct dispatcher_status dispatcher_status(const struct dispatcher *dispatcher);

/* Lists the names of the first `most` jobs in hand, which live until the loop turns. Returns how many. */
size_t dispatcher_jobs(const struct dispatcher *dispatcher, const char **names, size_t most);

/* The most jobs that may need a codec at once, for so many living codecs. Pure. */
size_t dispatcher_room(size_t live_codecs);

#endif
