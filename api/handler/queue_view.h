// SPDX-License-Identifier: Apache-2.0
/*
 * What the queue looks like, asked once a second and kept: for /metrics, for the admission of uploads and for operators, none of
 * whom may cost Redis a question each. Owned by main.c; of the loop's thread.
 */
#ifndef PIXMILL_HANDLER_QUEUE_VIEW_H
#define PIXMILL_HANDLER_QUEUE_VIEW_H

#include "api/handler/queue_rate.h"
#include "common/queue/queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct loop;
struct queue_view;

/* One look; pointers into the view, valid until the loop goes on. */
struct queue_sight {
    bool
        is_known; /* the queue answered within the last QUEUE_VIEW_STALE_MS; false: all that follows, but for dead, is old or zero */
    struct queue_stats stats;
    const struct queue_worker *workers; /* those that told lately, by holder */
    size_t worker_count;
    struct queue_pool pool;     /* of them */
    double backlog_seconds[3];  /* by class; INFINITY where jobs wait and nobody works (queue_rate_backlog) */
    double finished_per_second; /* over the last ten seconds */
    int64_t dead;               /* dead letters (db_dead_count); -1: not known */
};

enum { QUEUE_VIEW_STALE_MS = 5000 };

/* Starts asking. Never NULL. queue and db outlive it; db NULL: dead letters are not counted. */
struct queue_view *queue_view_new(struct loop *loop, struct queue *queue, struct db *db);

/* What is known now; asks nothing. */
void queue_view_look(const struct queue_view *view, struct queue_sight *sight);

/* Asks no more. Before the connections close. */
void queue_view_stop(struct queue_view *view);

/* Frees; nothing may be pending. NULL is allowed. */
void queue_view_free(struct queue_view *view);

#endif
