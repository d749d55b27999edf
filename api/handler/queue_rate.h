// SPDX-License-Identifier: Apache-2.0
/*
 * How fast the queue is worked off, and how long that takes: what an autoscaler and the admission of uploads ask. Pure.
 */
#ifndef PIXMILL_HANDLER_QUEUE_RATE_H
#define PIXMILL_HANDLER_QUEUE_RATE_H

#include "common/queue/queue.h"

#include <stddef.h>
#include <stdint.h>

/* Codecs of workers, added up. A worker that is stopping takes nothing more and is left out; one that is paused will go on. */
struct queue_pool {
    size_t workers;
    int64_t codecs;
    int64_t codecs_busy;
    double jobs_per_second; /* that they can do together, by their own times an image; 0: nobody works */
};

/* Adds up workers that told of themselves. */
struct queue_pool queue_rate_pool(const struct queue_worker *workers, size_t count);

/*
 * In how many seconds the jobs that are ready now would all have been taken, by class, where nothing came: at jobs_per_second, shared
 * by turns as take.lua gives them (7 of 10 to high, 2 to normal, 1 to low; a class that has nothing passes its turn on). INFINITY where
 * jobs wait and nobody works.
 */
void queue_rate_backlog(const int64_t ready[3], double jobs_per_second, double seconds[3]);

/* The rate of a count that only grows, over the last ten seconds or so. Zero-initialized: nothing seen. */
enum { QUEUE_METER_SAMPLES = 11 };
struct queue_meter {
    struct {
        uint64_t at_us;
        int64_t count;
    } samples[QUEUE_METER_SAMPLES]; /* the oldest first */
    size_t used;
};

/* Sees the count at a moment of the monotonic clock. One that is less than before has begun anew, and so does the meter. */
void queue_meter_see(struct queue_meter *meter, uint64_t now_us, int64_t count);

/* A second, between the first and the last sample; 0 where there are not two. */
double queue_meter_rate(const struct queue_meter *meter);

#endif
