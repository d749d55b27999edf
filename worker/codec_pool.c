// SPDX-License-Identifier: Apache-2.0
#include "worker/codec_pool.h"

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/base/metric.h"
#include "common/base/random.h"
#include "common/net/backoff.h"
#include "common/net/loop.h"

#include <assert.h>

enum {
    RESTART_FIRST_MS = 50, /* upper end of the wait after the second death in a row; the first costs none */
    RESTART_MOST_MS = 10000,
    BROKEN_STARTS = 2 /* failed starts in a row that make a place count as broken */
};

/* A place for one codec, which lives on when the process in it dies. */
struct place {
    struct codec_pool *pool;
    struct codec_child *child; /* NULL between two lives */
    struct deadline restart;
    int64_t memory_bytes;   /* of the budget, while a task is at work here */
    bool was_ready;         /* the present child */
    unsigned failures;      /* deaths since an image was last answered for */
    unsigned failed_starts; /* deaths in a row before READY */
};

struct codec_pool {
    struct loop *loop;
    struct codec_pool_options options;
    void (*changed)(void *owner);
    void *owner;
    struct place *places; /* owned; options.codecs of them */
    struct list line;     /* struct codec_task.link */
    int64_t memory_used;  /* of the budget */
    uint64_t last_ticket;
    uint64_t deaths;
    struct loop_later change;
    bool is_closing;
    struct loop_later close;
    void (*closed)(void *owner);
    void *close_owner;
};

static void on_idle(void *owner, struct codec_child *child);
static void on_gone(void *owner, struct codec_child *child, const struct err *err);

static const struct codec_child_events child_events = {.on_idle = on_idle, .on_gone = on_gone};

static void start_child(void *owner)
{
    struct place *place = owner;
    place->was_ready = false;
    place->child = codec_child_start(place->pool->loop, &place->pool->options.child, &child_events, place);
    /* one death shows what is to be shown; a codec that died in every life would only bury its images */
    place->pool->options.child.failpoint = NULL;
}

static void on_change(void *owner)
{
    struct codec_pool *pool = owner;
    if (!pool->is_closing) {
        pool->changed(pool->owner);
    }
}

/* The owner hears of it when the present callback is over, since it may come back with more work. */
static void tell_change(struct codec_pool *pool)
{
    loop_call_later(pool->loop, &pool->change, on_change, pool);
}

static bool has_memory_for(const struct codec_pool *pool, const struct codec_task *task)
{
    return pool->memory_used == 0 || task->memory_bytes <= pool->options.memory_budget - pool->memory_used;
}

static void give_memory_back(struct place *place)
{
    place->pool->memory_used -= place->memory_bytes;
    place->memory_bytes = 0;
}

/* Brings the line and free codecs together. Nobody overtakes: a large image would else wait for as long as small ones come. */
static void hand_out(struct codec_pool *pool)
{
    for (size_t i = 0; i < pool->options.codecs && !list_is_empty(&pool->line); i++) {
        struct codec_child *child = pool->places[i].child;
        if (child != NULL && codec_child_is_idle(child)) {
            struct codec_task *task = list_owner(pool->line.next, struct codec_task, link);
            if (!has_memory_for(pool, task)) {
                return;
            }
            list_remove(&task->link);
            pool->places[i].memory_bytes = task->memory_bytes;
            pool->memory_used += task->memory_bytes;
            codec_child_run(child, task, ++pool->last_ticket);
        }
    }
}

static void on_idle(void *owner, struct codec_child *child)
{
    struct place *place = owner;
    struct codec_pool *pool = place->pool;
    place->was_ready = true;
    place->failed_starts = 0;
    give_memory_back(place);
    if (codec_child_images(child) > 0) {
        place->failures = 0;
    }
    bool is_worn = codec_child_images(child) >= pool->options.codec_images ||
                   codec_child_peak_bytes(child) > pool->options.ceiling_bytes;
    if (pool->is_closing || is_worn) {
        codec_child_stop(child);
    }
    if (!pool->is_closing) {
        metric_add(is_worn ? pool->options.replacements : NULL, 1);
        hand_out(pool);
    }
    tell_change(pool);
}

static void finish_close(void *owner)
{
    struct codec_pool *pool = owner;
    void (*closed)(void *) = pool->closed;
    void *close_owner = pool->close_owner;
    free(pool->places);
    free(pool);
    closed(close_owner);
}

static bool has_child(const struct codec_pool *pool)
{
    for (size_t i = 0; i < pool->options.codecs; i++) {
        if (pool->places[i].child != NULL) {
            return true;
        }
    }
    return false;
}

static void end_close(struct codec_pool *pool)
{
    /* a queued change is for the same turn of the loop and was queued first, so this runs after it */
    if (pool->is_closing && !has_child(pool)) {
        loop_call_later(pool->loop, &pool->close, finish_close, pool);
    }
}

static void on_gone(void *owner, struct codec_child *child, const struct err *err)
{
    struct place *place = owner;
    struct codec_pool *pool = place->pool;
    uint64_t wait_ms = 0;
    if (err != NULL) {
        if (place->failures > 0) {
            wait_ms =
                backoff_ms(RESTART_FIRST_MS, RESTART_MOST_MS, place->failures - 1, random_below(UINT64_MAX));
        }
        place->failures++;
        place->failed_starts += !place->was_ready;
        pool->deaths++;
        metric_add(pool->options.deaths[codec_child_death(child)], 1);
        log_warn("a codec died", log_int("codec", codec_child_pid(child)),
                 log_int("images", codec_child_images(child)), log_err(err),
                 log_int("restart_ms", (int64_t)wait_ms));
    }
    place->child = NULL;
    give_memory_back(place);
    tell_change(pool);
    if (!pool->is_closing) {
        hand_out(pool);
        deadline_arm(&place->restart, pool->loop, wait_ms, start_child, place);
    }
    end_close(pool);
}

struct codec_pool *codec_pool_open(struct loop *loop, const struct codec_pool_options *options,
                                   void (*changed)(void *owner), void *owner)
{
    struct codec_pool *pool = alloc_zeroed(1, sizeof *pool);
    assert(options->codecs > 0);
    pool->loop = loop;
    pool->options = *options;
    pool->changed = changed;
    pool->owner = owner;
    list_init(&pool->line);
    pool->places = alloc_zeroed(options->codecs, sizeof *pool->places);
    for (size_t i = 0; i < options->codecs; i++) {
        pool->places[i].pool = pool;
        start_child(&pool->places[i]);
    }
    return pool;
}

void codec_pool_close(struct codec_pool *pool, void (*closed)(void *owner), void *owner)
{
    assert(!pool->is_closing && list_is_empty(&pool->line));
    pool->is_closing = true;
    pool->closed = closed;
    pool->close_owner = owner;
    tell_change(pool);
    for (size_t i = 0; i < pool->options.codecs; i++) {
        deadline_disarm(&pool->places[i].restart);
        if (pool->places[i].child != NULL) {
            codec_child_stop(pool->places[i].child);
        }
    }
    end_close(pool);
}

void codec_pool_submit(struct codec_pool *pool, struct codec_task *task)
{
    assert(!pool->is_closing);
    task->child = NULL;
    list_init(&task->link);
    list_append(&pool->line, &task->link);
    hand_out(pool);
}

static void on_cancelled(void *owner)
{
    struct codec_task *task = owner;
    struct err err;
    err_set(&err, ERR_CANCELLED, "the image was taken back");
    task->on_end(task->owner, NULL, &err);
}

void codec_pool_cancel(struct codec_pool *pool, struct codec_task *task)
{
    if (task->child != NULL) {
        codec_child_abandon(task->child);
    } else {
        list_remove(&task->link);
    }
    loop_call_later(pool->loop, &task->cancel, on_cancelled, task);
}

size_t codec_pool_live(const struct codec_pool *pool)
{
    size_t count = 0;
    for (size_t i = 0; i < pool->options.codecs; i++) {
        const struct codec_child *child = pool->places[i].child;
        count += child != NULL && (codec_child_is_idle(child) || codec_child_is_busy(child));
    }
    return count;
}

size_t codec_pool_free(const struct codec_pool *pool)
{
    size_t count = 0;
    for (size_t i = 0; list_is_empty(&pool->line) && i < pool->options.codecs; i++) {
        count += pool->places[i].child != NULL && codec_child_is_idle(pool->places[i].child);
    }
    return count;
}

bool codec_pool_is_broken(const struct codec_pool *pool)
{
    for (size_t i = 0; i < pool->options.codecs; i++) {
        if (pool->places[i].failed_starts < BROKEN_STARTS) {
            return false;
        }
    }
    return codec_pool_live(pool) == 0;
}

uint64_t codec_pool_deaths(const struct codec_pool *pool)
{
    return pool->deaths;
}

struct codec_pool_status codec_pool_status(const struct codec_pool *pool)
{
    struct codec_pool_status status = {.live = codec_pool_live(pool),
                                       .memory_bytes = pool->memory_used,
                                       .memory_budget = pool->options.memory_budget};
    for (size_t i = 0; i < pool->options.codecs; i++) {
        status.busy += pool->places[i].child != NULL && codec_child_is_busy(pool->places[i].child);
    }
    for (const struct list *link = pool->line.next; link != &pool->line; link = link->next) {
        status.waiting++;
    }
    return status;
}
