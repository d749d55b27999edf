// SPDX-License-Identifier: Apache-2.0
#include "api/handler/queue_view.h"

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/db/db_dead.h"
#include "common/net/loop.h"

#include <stdlib.h>

enum {
    ASK_MS = 1000,
    DEAD_ROUNDS = 5 /* dead letters change seldom, and counting them costs PostgreSQL more */
};

struct queue_view {
    struct loop *loop;   /* borrowed */
    struct queue *queue; /* borrowed */
    struct db *db;       /* borrowed; may be NULL */
    struct deadline wait;
    bool is_stopping;
    bool is_counting;   /* db_dead_count is pending */
    unsigned round;     /* of questions to the queue */
    uint64_t known_us;  /* when both answers last came; 0: never */
    int64_t dead;       /* -1: not known */
    int64_t dead_asked; /* out-parameter */
    struct queue_stats stats;
    struct queue_stats asked; /* out-parameter */
    struct queue_worker
        *workers; /* owned, QUEUE_WORKERS_MAX; out-parameter: only read between two questions */
    size_t worker_count;
    struct queue_meter finished;
};

static void ask(void *owner);

static void ask_later(struct queue_view *view)
{
    if (!view->is_stopping) {
        deadline_arm(&view->wait, view->loop, ASK_MS, ask, view);
    }
}

static void on_workers(void *owner, const struct err *err)
{
    struct queue_view *view = owner;
    if (err != NULL) {
        log_debug("the workers are not known", log_err(err));
    } else {
        view->stats = view->asked;
        view->known_us = clock_monotonic_us();
        queue_meter_see(&view->finished, view->known_us, view->stats.finished);
    }
    ask_later(view);
}

static void on_stats(void *owner, const struct err *err)
{
    struct queue_view *view = owner;
    if (err != NULL || view->is_stopping) {
        log_debug("the queue is not known", log_err(err));
        ask_later(view);
        return;
    }
    queue_workers(view->queue, view->workers, &view->worker_count, on_workers, view);
}

static void on_counted(void *owner, const struct err *err)
{
    struct queue_view *view = owner;
    view->is_counting = false;
    view->dead = err != NULL ? -1 : view->dead_asked;
}

static void ask(void *owner)
{
    struct queue_view *view = owner;
    if (view->db != NULL && !view->is_counting && view->round % DEAD_ROUNDS == 0) {
        view->is_counting = true;
        db_dead_count(view->db, &view->dead_asked, on_counted, view);
    }
    view->round++;
    queue_stats(view->queue, &view->asked, on_stats, view);
}

struct queue_view *queue_view_new(struct loop *loop, struct queue *queue, struct db *db)
{
    struct queue_view *view = alloc_zeroed(1, sizeof *view);
    view->loop = loop;
    view->queue = queue;
    view->db = db;
    view->dead = -1;
    view->workers = alloc_zeroed(QUEUE_WORKERS_MAX, sizeof *view->workers);
    ask(view);
    return view;
}

void queue_view_look(const struct queue_view *view, struct queue_sight *sight)
{
    uint64_t age_us = clock_monotonic_us() - view->known_us;
    *sight =
        (struct queue_sight){.is_known = view->known_us > 0 && age_us <= (uint64_t)QUEUE_VIEW_STALE_MS * 1000,
                             .stats = view->stats,
                             .workers = view->workers,
                             .worker_count = view->worker_count,
                             .finished_per_second = queue_meter_rate(&view->finished),
                             .dead = view->dead};
    sight->pool = queue_rate_pool(view->workers, view->worker_count);
    queue_rate_backlog(view->stats.ready, sight->pool.jobs_per_second, sight->backlog_seconds);
}

void queue_view_stop(struct queue_view *view)
{
    view->is_stopping = true;
    deadline_disarm(&view->wait);
}

void queue_view_free(struct queue_view *view)
{
    if (view != NULL) {
        free(view->workers);
        free(view);
    }
}
