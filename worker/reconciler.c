// SPDX-License-Identifier: Apache-2.0
/* Each state is a pair: do_<state> begins a call, and after_<state>, when it has answered, gives the next state. */
#include "worker/reconciler.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/db/db_control.h"
#include "common/db/db_image.h"
#include "common/queue/queue.h"
#include "worker/breaker.h"
#include "worker/metrics.h"
#include "worker/rounds.h"

enum {
    ASK_MS = 500,   /* how late an emptied Redis is noticed */
    AGAIN_MS = 200, /* after a failure; a call waits for a connection by itself */
    PAGE_IMAGES = 200,
    PAGE_PAUSE_MS = 200, /* after a page that had to be pushed: at most 1,000 pushes a second */
    PENDING_PAUSE_MS =
        40, /* after one whose jobs were all pending: what a long backlog hides is found in time */
    REBUILD_IMAGES = 1000,
    IDLE_LEASES = 2 /* an image that was not touched for so many leases may have lost its job */
};

enum sweep_state {
    SWEEP_ASK,
    SWEEP_READ_PAUSE,
    SWEEP_SET_PAUSE,
    SWEEP_CHECK_PAUSE,
    SWEEP_LIST,
    SWEEP_PUSH,
    SWEEP_MARK,
    SWEEP_REST,
    SWEEP_STATE_COUNT
};

struct reconciler {
    const struct parts *parts; /* borrowed */
    struct rounds rounds;
    enum sweep_state state; /* of REST: what comes after it */
    uint64_t rest_ms;
    struct err answer; /* of the last call; ERR_NONE: well */
    struct queue_sweep sweep;
    uint64_t next_us; /* when the next ordinary sweep is due, if we still have it then */
    struct db_control control;
    bool is_paused;      /* what the queue was told */
    int64_t after;       /* where the next page starts; 0: from the first image */
    struct arena *arena; /* owned; of the present page; NULL: none */
    struct db_image_owed *owed;
    size_t count;
    size_t pushed;    /* of them */
    bool is_repaired; /* some of them were not in the queue */
    struct queue_pushing pushing[QUEUE_PUSH_MAX];
    size_t pushing_count;
    size_t added; /* out-parameter of a push */
    bool is_held; /* out-parameter of a mark */
    bool is_last; /* the page is */
    /* of this sweep */
    bool is_rebuilding; /* it was told that one has begun */
    uint64_t begun_us;
    int64_t images;
    int64_t repaired;
};

static void step(struct reconciler *r);

static void on_answer(void *owner, const struct err *err)
{
    struct reconciler *r = owner;
    r->answer = err != NULL ? *err : (struct err){.code = ERR_NONE};
    step(r);
}

static bool has_failed(const struct reconciler *r)
{
    return r->answer.code != ERR_NONE;
}

static enum sweep_state rest(struct reconciler *r, uint64_t rest_ms, enum sweep_state next)
{
    arena_free(r->arena);
    r->arena = NULL;
    r->rest_ms = rest_ms;
    r->state = next;
    return SWEEP_REST;
}

static enum sweep_state try_again(struct reconciler *r)
{
    log_debug("owed images could not be compared with the queue", log_err(&r->answer));
    return rest(r, AGAIN_MS, SWEEP_ASK);
}

static uint64_t hold_ms(const struct reconciler *r)
{
    return r->parts->lease_ms > 2 * (uint64_t)ASK_MS ? r->parts->lease_ms : 2 * (uint64_t)ASK_MS;
}

static void do_ask(struct reconciler *r)
{
    queue_sweep(r->parts->queue, r->parts->holder, hold_ms(r), &r->sweep, on_answer, r);
}

/* A rebuild that goes on after a failure is the same one, unless it has to begin anew: the queue was emptied again. */
static void begin_sweep(struct reconciler *r)
{
    bool goes_on = r->is_rebuilding && r->sweep.is_rebuild && (r->sweep.after > 0 || r->images == 0);
    r->after = r->sweep.after;
    if (goes_on) {
        return;
    }
    r->images = 0;
    r->repaired = 0;
    r->begun_us = clock_monotonic_us();
    r->is_rebuilding = r->sweep.is_rebuild;
    if (r->sweep.is_rebuild) {
        metric_add(r->parts->metrics->rebuilds, 1);
        log_warn("the queue has lost its epoch; all that is owed is pushed again",
                 log_int("after", r->after));
    }
}

/* An ordinary sweep that is over stays ours until the next is due, so that there is one a lease however many ask. */
static enum sweep_state after_ask(struct reconciler *r)
{
    if (has_failed(r)) {
        return try_again(r);
    }
    if (!r->sweep.is_ours) {
        r->is_rebuilding = false;
        return rest(r, ASK_MS, SWEEP_ASK);
    }
    if (!r->sweep.is_rebuild && clock_monotonic_us() < r->next_us) {
        return rest(r, ASK_MS, SWEEP_ASK);
    }
    begin_sweep(r);
    return SWEEP_READ_PAUSE;
}

static void do_read_pause(struct reconciler *r)
{
    db_control_get(r->parts->db, &r->control, on_answer, r);
}

static enum sweep_state after_read_pause(struct reconciler *r)
{
    return has_failed(r) ? try_again(r) : SWEEP_SET_PAUSE;
}

static void do_set_pause(struct reconciler *r)
{
    r->is_paused = r->control.is_paused;
    queue_set_paused(r->parts->queue, r->is_paused, on_answer, r);
}

static enum sweep_state after_set_pause(struct reconciler *r)
{
    return has_failed(r) ? try_again(r) : SWEEP_CHECK_PAUSE;
}

/* Operators may have changed it meanwhile, and have told the queue before we did. */
static enum sweep_state after_check_pause(struct reconciler *r)
{
    if (has_failed(r)) {
        return try_again(r);
    }
    return r->control.is_paused != r->is_paused ? SWEEP_SET_PAUSE : SWEEP_LIST;
}

static void do_list(struct reconciler *r)
{
    int64_t idle_ms = r->sweep.is_rebuild ? 0 : (int64_t)r->parts->lease_ms * IDLE_LEASES;
    arena_free(r->arena);
    r->arena = arena_new();
    r->count = 0;
    r->pushed = 0;
    r->is_repaired = false;
    db_image_list_owed(r->parts->db, r->arena, r->after, idle_ms,
                       r->sweep.is_rebuild ? REBUILD_IMAGES : PAGE_IMAGES, &r->owed, &r->count, on_answer, r);
}

static enum sweep_state after_list(struct reconciler *r)
{
    if (has_failed(r)) {
        return try_again(r);
    }
    r->is_last = r->count < (r->sweep.is_rebuild ? REBUILD_IMAGES : PAGE_IMAGES);
    return r->count > 0 ? SWEEP_PUSH : SWEEP_MARK;
}

static struct queue_pushing pushing_of(const struct db_image_owed *owed, bool is_rebuild, int64_t now_ms)
{
    bool must_wait = is_rebuild && owed->class == JOB_HIGH;
    return (struct queue_pushing){.job = {.type = owed->is_refinement ? JOB_REFINE : JOB_PROCESS,
                                          .image = owed->id,
                                          .generation = owed->generation,
                                          .class = owed->is_refinement ? JOB_LOW
                                                   : must_wait         ? JOB_NORMAL
                                                                       : owed->class,
                                          .enqueued_at_ms = now_ms - owed->age_ms},
                                  .uploader = owed->key};
}

/* One portion after the other: between two of them Redis serves live uploads. */
static void do_push(struct reconciler *r)
{
    int64_t now_ms = clock_wall_us() / 1000;
    size_t left = r->count - r->pushed;
    failpoint("reconciler.pushing");
    r->pushing_count = left < QUEUE_PUSH_MAX ? left : QUEUE_PUSH_MAX;
    for (size_t i = 0; i < r->pushing_count; i++) {
        r->pushing[i] = pushing_of(&r->owed[r->pushed + i], r->sweep.is_rebuild, now_ms);
    }
    r->added = 0;
    queue_push_many(r->parts->queue, r->pushing, r->pushing_count, &r->added, on_answer, r);
}

static enum sweep_state after_push(struct reconciler *r)
{
    if (has_failed(r)) {
        return try_again(r);
    }
    failpoint("reconciler.pushed");
    r->pushed += r->pushing_count;
    r->images += (int64_t)r->pushing_count;
    r->repaired += (int64_t)r->added;
    r->is_repaired = r->is_repaired || r->added > 0;
    metric_add(r->parts->metrics->repaired, (int64_t)r->added);
    if (r->pushed < r->count) {
        return SWEEP_PUSH;
    }
    r->after = r->owed[r->count - 1].id;
    return SWEEP_MARK;
}

static void do_mark(struct reconciler *r)
{
    bool is_done = r->sweep.is_rebuild && r->is_last;
    failpoint("reconciler.marking");
    queue_sweep_mark(r->parts->queue, r->parts->holder, r->is_last ? 0 : r->after, is_done, hold_ms(r),
                     &r->is_held, on_answer, r);
}

static void tell_end(const struct reconciler *r)
{
    int64_t ms = (int64_t)((clock_monotonic_us() - r->begun_us) / 1000);
    if (r->sweep.is_rebuild) {
        log_info("the queue is rebuilt", log_int("images", r->images), log_int("pushed", r->repaired),
                 log_int("ms", ms));
    } else if (r->repaired > 0) {
        log_info("owed images were not in the queue", log_int("images", r->images),
                 log_int("pushed", r->repaired), log_int("ms", ms));
    }
}

static enum sweep_state after_mark(struct reconciler *r)
{
    if (has_failed(r)) {
        return try_again(r);
    }
    if (!r->is_held) {
        log_debug("a sweep was lost");
        return rest(r, 0, SWEEP_ASK);
    }
    if (!r->is_last) {
        return r->sweep.is_rebuild ? SWEEP_LIST
                                   : rest(r, r->is_repaired ? PAGE_PAUSE_MS : PENDING_PAUSE_MS, SWEEP_LIST);
    }
    tell_end(r);
    r->is_rebuilding = false;
    r->next_us = clock_monotonic_us() + r->parts->lease_ms * 1000;
    return rest(r, ASK_MS, SWEEP_ASK);
}

static const struct {
    void (*start)(struct reconciler *r);            /* begins a call */
    enum sweep_state (*next)(struct reconciler *r); /* when it has answered */
} states[SWEEP_REST] = {
    [SWEEP_ASK] = {do_ask, after_ask},
    [SWEEP_READ_PAUSE] = {do_read_pause, after_read_pause},
    [SWEEP_SET_PAUSE] = {do_set_pause, after_set_pause},
    [SWEEP_CHECK_PAUSE] = {do_read_pause, after_check_pause},
    [SWEEP_LIST] = {do_list, after_list},
    [SWEEP_PUSH] = {do_push, after_push},
    [SWEEP_MARK] = {do_mark, after_mark},
};

static void step(struct reconciler *r)
{
    enum sweep_state next = states[r->state].next(r);
    if (next != SWEEP_REST && rounds_are_closing(&r->rounds)) {
        next = rest(r, 0, SWEEP_ASK);
    }
    if (next == SWEEP_REST) {
        rounds_rest(&r->rounds, r->rest_ms);
        return;
    }
    r->state = next;
    states[next].start(r);
}

static void on_rested(void *owner)
{
    struct reconciler *r = owner;
    /* who can't ask the database leaves the sweep to others */
    if (r->state == SWEEP_ASK && breaker_is_open(r->parts->database_breaker)) {
        rounds_rest(&r->rounds, ASK_MS);
    } else {
        states[r->state].start(r);
    }
}

struct reconciler *reconciler_open(const struct parts *parts)
{
    struct reconciler *r = alloc_zeroed(1, sizeof *r);
    r->parts = parts;
    r->state = SWEEP_ASK;
    rounds_start(&r->rounds, parts->loop, 1, on_rested, free, r);
    return r;
}

void reconciler_close(struct reconciler *r, void (*closed)(void *owner), void *owner)
{
    rounds_close(&r->rounds, closed, owner);
}
