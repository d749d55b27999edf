// SPDX-License-Identifier: Apache-2.0
/*
 * Looks once a second how long the loop was away from its poll at the longest (loop_take_lag_us, which nobody else may take then),
 * keeps that for whoever measures, and tells its owner where it was too long: something on the loop blocks, or computes.
 */
#ifndef PIXMILL_NET_LOOP_LAG_H
#define PIXMILL_NET_LOOP_LAG_H

#include "common/net/loop.h"

enum { LOOP_LAG_LATE_MS = 250, LOOP_LAG_TELL_MS = 60000 };

/* Embedded in its owner. Zero-initialized: stopped. */
struct loop_lag {
    struct loop *loop; /* borrowed */
    struct deadline look;
    uint64_t longest_us; /* since it was taken */
    uint64_t told_ms;    /* when on_late was called last, monotonic; 0: never */
    void (*on_late)(void *owner, uint64_t away_us);
    void *owner;
};

/* Starts looking. on_late is called from the loop where it was away for more than LOOP_LAG_LATE_MS, once in LOOP_LAG_TELL_MS. */
void loop_lag_start(struct loop_lag *lag, struct loop *loop, void (*on_late)(void *owner, uint64_t away_us),
                    void *owner);

/* The longest time away since the last call of this, in microseconds. */
uint64_t loop_lag_take_us(struct loop_lag *lag);

/* Stops looking; harmless where it does not. */
void loop_lag_stop(struct loop_lag *lag);

#endif
