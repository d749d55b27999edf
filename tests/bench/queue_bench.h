// SPDX-License-Identifier: Apache-2.0
/*
 * What the modes of pixmill-bench-queue share: a loop with a queue on it, as a worker has, and the database where rows are updated.
 */
#ifndef PIXMILL_TESTS_BENCH_QUEUE_BENCH_H
#define PIXMILL_TESTS_BENCH_QUEUE_BENCH_H

#include "common/db/db.h"
#include "common/net/loop.h"
#include "common/net/redis.h"
#include "common/queue/queue.h"

enum { BENCH_LEASE_MS = 60000, BENCH_MOST_LANES = 256 };

/* READY and BOTH: by calls of their own; GROUP: by a worker's committer; WORKER: each is begun before. */
enum bench_rows { BENCH_ROWS_NONE, BENCH_ROWS_READY, BENCH_ROWS_BOTH, BENCH_ROWS_GROUP, BENCH_ROWS_WORKER };

struct queue_bench {
    struct loop *loop;
    struct redis *verbs;
    struct redis *waits;
    struct queue *queue;
    struct redis *pushes; /* of the one who uploads */
    struct queue *pushes_queue;
    struct db *db; /* NULL without rows */
    struct committer *committer;
    int64_t jobs; /* numbered from 1, as the rows are */
    int64_t batch;
    int64_t lanes;
    int64_t gap_ms; /* of latency: from a job's end to the next push */
    enum bench_rows rows;
    int64_t done;   /* jobs so far */
    int64_t missed; /* jobs that were not as they should be */
    int64_t lanes_ended;
};

/* Ends the program with a sentence where err is an error. */
void queue_bench_check(const struct err *err);

/* Pushes all jobs, `batch` in a call, many calls in flight. */
void queue_bench_push(struct queue_bench *bench);

/* Takes, settles and finishes all jobs: `lanes` chains at once, each with up to `batch` jobs in hand. */
void queue_bench_work(struct queue_bench *bench);

/*
 * Pushes a job now and then to an idle worker, which waits, takes it and finishes it; latency_us has room for all jobs and gets
 * the time from push to the lease in hand.
 */
void queue_bench_latency(struct queue_bench *bench, int64_t *latency_us);

#endif
