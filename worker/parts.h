// SPDX-License-Identifier: Apache-2.0
/*
 * The parts of a worker that its jobs use. Owned by worker.c, which opens them before the first job and closes them
 * after the last; everybody else borrows.
 */
#ifndef PIXMILL_WORKER_PARTS_H
#define PIXMILL_WORKER_PARTS_H

#include "common/image/limits.h"
#include "common/image/profile.h"
#include "common/job/job_retry.h"
#include "worker/wire/wire.h"

#include <stdint.h>

struct breaker;
struct codec_pool;
struct committer;
struct db;
struct lease_keeper;
struct load;
struct loop;
struct queue;
struct storage;
struct worker_metrics;

struct parts {
    struct loop *loop;
    struct db *db;
    struct queue *queue;
    struct storage *storage;
    struct codec_pool *codecs;
    struct committer *committer;
    struct lease_keeper *leases;
    struct load *load;
    struct worker_metrics *metrics;
    struct breaker *database_breaker;
    struct breaker *storage_breaker;
    struct profile profile;
    struct image_limits limits;
    enum wire_fail_on fail_on;
    struct job_retry_rules rules;
    uint64_t lease_ms;
    uint64_t storage_ms; /* how long a job waits for the storage before others shall have it */
    const char *holder;  /* what names this worker among others: host, process, something random */
};

#endif
