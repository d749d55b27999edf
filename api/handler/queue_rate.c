// SPDX-License-Identifier: Apache-2.0
#include "api/handler/queue_rate.h"

#include <math.h>
#include <string.h>

enum {
    CLASSES = 3,
    TURNS = 10,
    GUESSED_CODEC_US = 500000 /* of a worker that has not measured an image yet */
};

/* A number of jobs below this is none: sums of doubles seldom come out at 0. */
static const double NO_JOB = 1e-6;

struct queue_pool queue_rate_pool(const struct queue_worker *workers, size_t count)
{
    struct queue_pool pool = {.workers = 0};
    for (size_t i = 0; i < count; i++) {
        const struct queue_worker *worker = &workers[i];
        if (strcmp(worker->state, "stopping") == 0) {
            continue;
        }
        double codec_us = worker->codec_us > 0 ? (double)worker->codec_us : GUESSED_CODEC_US;
        pool.workers++;
        pool.codecs += worker->codecs;
        pool.codecs_busy += worker->codecs_busy;
        pool.jobs_per_second += (double)worker->codecs * 1e6 / codec_us;
    }
    return pool;
}

/* The share of each class in what is taken while these have jobs. */
static void share_turns(const double left[CLASSES], double shares[CLASSES])
{
    static const int turns[CLASSES] = {7, 2, 1};
    size_t heir = 0;
    while (heir < CLASSES - 1 && left[heir] < NO_JOB) {
        heir++;
    }
    memset(shares, 0, CLASSES * sizeof shares[0]);
    for (size_t i = 0; i < CLASSES; i++) {
        shares[left[i] < NO_JOB ? heir : i] += (double)turns[i] / TURNS;
    }
}

void queue_rate_backlog(const int64_t ready[CLASSES], double jobs_per_second, double seconds[CLASSES])
{
    double left[CLASSES];
    double shares[CLASSES];
    double passed = 0;
    for (size_t i = 0; i < CLASSES; i++) {
        left[i] = ready[i] > 0 ? (double)ready[i] : 0;
        seconds[i] = left[i] > 0 ? (double)INFINITY : 0;
    }
    if (jobs_per_second <= 0) {
        return;
    }
    /* each turn of this empties a class at least */
    for (size_t phase = 0; phase < CLASSES; phase++) {
        double until = (double)INFINITY;
        share_turns(left, shares);
        for (size_t i = 0; i < CLASSES; i++) {
            if (left[i] >= NO_JOB && left[i] < until * shares[i] * jobs_per_second) {
                until = left[i] / (shares[i] * jobs_per_second);
            }
        }
        if (isinf(until)) {
            return;
        }
        passed += until;
        for (size_t i = 0; i < CLASSES; i++) {
            if (left[i] < NO_JOB) {
                continue;
            }
            left[i] -= until * shares[i] * jobs_per_second;
            if (left[i] < NO_JOB) {
                seconds[i] = passed;
            }
        }
    }
}

void queue_meter_see(struct queue_meter *meter, uint64_t now_us, int64_t count)
{
    if (meter->used > 0 && count < meter->samples[meter->used - 1].count) {
        meter->used = 0;
    }
    if (meter->used == QUEUE_METER_SAMPLES) {
        meter->used--;
        memmove(meter->samples, meter->samples + 1, meter->used * sizeof meter->samples[0]);
    }
    meter->samples[meter->used].at_us = now_us;
    meter->samples[meter->used].count = count;
    meter->used++;
}

double queue_meter_rate(const struct queue_meter *meter)
{
    if (meter->used < 2 || meter->samples[meter->used - 1].at_us <= meter->samples[0].at_us) {
        return 0;
    }
    uint64_t us = meter->samples[meter->used - 1].at_us - meter->samples[0].at_us;
    int64_t jobs = meter->samples[meter->used - 1].count - meter->samples[0].count;
    return (double)jobs * 1e6 / (double)us;
}
