// SPDX-License-Identifier: Apache-2.0
#include "worker/dispatcher.h"

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/net/backoff.h"
#include "common/net/loop.h"
#include "common/queue/queue.h"
#include "worker/breaker.h"
#include "worker/codec_pool.h"
#include "worker/job_run.h"
#include "worker/metrics.h"
#include "worker/parts.h"

#include <assert.h>

enum {
    WAIT_MS = 1000, /* also how late a job that became due by time alone is seen */
    NET_MS = 1000,  /* the net under FULL and PAUSED */
    REST_FIRST_MS = 50,
    REST_MOST_MS = 2000,
    IN_HAND_FACTOR =
        2 /* jobs that are past their codec and wait for storage or database may be so many more */
};

enum dispatcher_state {
    DISPATCHER_TAKING,
    DISPATCHER_WAITING,
    DISPATCHER_FULL,
    DISPATCHER_PAUSED,
    DISPATCHER_REST,
    DISPATCHER_STOPPED
};

struct dispatcher {
    const struct parts *parts; /* borrowed */
    enum dispatcher_state state;
    struct deadline deadline; /* of FULL, PAUSED, REST */
    unsigned failures;        /* of Redis, in a row */
    struct list runs;         /* owned; by job_run_link */
    size_t in_hand;
    size_t needing_codec;
    uint64_t taken_count;
    uint64_t take_us; /* when the call that is pending began */
    size_t count;     /* out-parameter of queue_take */
    struct queue_taken taken[QUEUE_TAKE_MAX];
    bool is_calling; /* a take, a wait, or a giving back after the stop is pending */
    bool is_stopping;
    struct deadline grace;
    struct loop_later end;
    void (*stopped)(void *owner);
    void *stop_owner;
};

static void step(struct dispatcher *dispatcher);

size_t dispatcher_room(size_t live_codecs)
{
    size_t ahead = live_codecs / 2;
    return live_codecs == 0 ? 0 : live_codecs + (ahead > 0 ? ahead : 1);
}

static size_t room(const struct dispatcher *d)
{
    size_t most = dispatcher_room(codec_pool_live(d->parts->codecs));
    if (d->needing_codec >= most || d->in_hand >= most * IN_HAND_FACTOR) {
        return 0;
    }
    size_t free_places = most - d->needing_codec;
    size_t left = most * IN_HAND_FACTOR - d->in_hand;
    free_places = free_places < left ? free_places : left;
    return free_places < QUEUE_TAKE_MAX ? free_places : QUEUE_TAKE_MAX;
}

static bool is_paused(const struct dispatcher *d)
{
    return breaker_is_open(d->parts->database_breaker) || breaker_is_open(d->parts->storage_breaker);
}

/* Where the disk does not answer for one job, it should not be asked for more. */
static bool has_late_run(const struct dispatcher *d)
{
    for (struct list *link = d->runs.next; link != &d->runs; link = link->next) {
        if (job_run_is_late(job_run_of_link(link))) {
            return true;
        }
    }
    return false;
}

static void on_end_later(void *owner)
{
    struct dispatcher *d = owner;
    d->stopped(d->stop_owner);
}

static void end_where_done(struct dispatcher *d)
{
    if (d->is_stopping && !d->is_calling && list_is_empty(&d->runs)) {
        deadline_disarm(&d->grace);
        loop_call_later(d->parts->loop, &d->end, on_end_later, d);
    }
}

static void on_codec_free(void *owner)
{
    struct dispatcher *d = owner;
    d->needing_codec--;
    dispatcher_wake(d);
}

static void on_run_end(void *owner, struct job_run *run)
{
    struct dispatcher *d = owner;
    (void)run;
    d->in_hand--;
    dispatcher_wake(d);
    end_where_done(d);
}

static const struct job_run_events run_events = {.on_codec_free = on_codec_free, .on_end = on_run_end};

static void start_runs(struct dispatcher *d)
{
    d->taken_count += d->count;
    for (size_t i = 0; i < d->count; i++) {
        struct job_run *run = job_run_start(d->parts, &d->taken[i], &run_events, d);
        list_append(&d->runs, job_run_link(run));
        d->in_hand++;
        d->needing_codec += job_run_needs_codec(run);
    }
}

static void on_deadline(void *owner)
{
    step(owner);
}

static void on_taken(void *owner, const struct err *err);

static void on_waited(void *owner, const struct err *err);

/* The only writer of state; begins what the state is for. */
static void set_state(struct dispatcher *d, enum dispatcher_state state, uint64_t deadline_ms)
{
    d->state = state;
    deadline_disarm(&d->deadline);
    if (deadline_ms > 0) {
        deadline_arm(&d->deadline, d->parts->loop, deadline_ms, on_deadline, d);
    }
}

static void rest(struct dispatcher *d, const struct err *err)
{
    uint64_t rest_ms = 1 + backoff_ms(REST_FIRST_MS, REST_MOST_MS, d->failures, random_below(UINT64_MAX));
    if (d->failures++ == 0) {
        log_warn("the queue can not be asked", log_err(err));
    }
    set_state(d, DISPATCHER_REST, rest_ms);
}

static void wait_for_job(struct dispatcher *d)
{
    set_state(d, DISPATCHER_WAITING, 0);
    d->is_calling = true;
    queue_wait(d->parts->queue, WAIT_MS, on_waited, d);
}

static void take(struct dispatcher *d, size_t most)
{
    set_state(d, DISPATCHER_TAKING, 0);
    d->is_calling = true;
    d->count = 0;
    d->take_us = clock_monotonic_us();
    queue_take(d->parts->queue, most, d->parts->lease_ms, d->taken, &d->count, on_taken, d);
}

static void step(struct dispatcher *d)
{
    if (d->is_stopping || d->is_calling) {
        return;
    }
    size_t most = room(d);
    if (is_paused(d) || has_late_run(d) || codec_pool_live(d->parts->codecs) == 0) {
        set_state(d, DISPATCHER_PAUSED, NET_MS);
    } else if (most == 0) {
        set_state(d, DISPATCHER_FULL, NET_MS);
    } else {
        take(d, most);
    }
}

static void on_given_back(void *owner, const struct err *err)
{
    struct dispatcher *d = owner;
    d->is_calling = false;
    if (err != NULL) {
        /* their leases run out */
        log_debug("jobs could not be given back", log_err(err));
    }
    end_where_done(d);
}

/* What a take has brought after the stop was never begun. */
static void give_back(struct dispatcher *d)
{
    struct queue_lease leases[QUEUE_TAKE_MAX];
    for (size_t i = 0; i < d->count; i++) {
        leases[i] = d->taken[i].lease;
    }
    d->is_calling = true;
    queue_give_back(d->parts->queue, leases, d->count, on_given_back, d);
}

static void on_taken(void *owner, const struct err *err)
{
    struct dispatcher *d = owner;
    d->is_calling = false;
    metric_observe_us(d->parts->metrics->take, clock_monotonic_us() - d->take_us);
    if (err != NULL) {
        /* what it may have leased runs out and comes again */
        if (!d->is_stopping) {
            rest(d, err);
        }
        end_where_done(d);
        return;
    }
    if (d->failures > 0) {
        log_info("the queue answers again");
        d->failures = 0;
    }
    if (d->is_stopping && d->count > 0) {
        give_back(d);
    } else if (d->is_stopping) {
        end_where_done(d);
    } else if (d->count == 0) {
        wait_for_job(d);
    } else {
        start_runs(d);
        step(d);
    }
}

static void on_waited(void *owner, const struct err *err)
{
    struct dispatcher *d = owner;
    d->is_calling = false;
    if (err != NULL && !d->is_stopping) {
        rest(d, err);
    } else {
        step(d);
    }
    end_where_done(d);
}

struct dispatcher *dispatcher_open(const struct parts *parts)
{
    struct dispatcher *d = alloc_zeroed(1, sizeof *d);
    d->parts = parts;
    list_init(&d->runs);
    set_state(d, DISPATCHER_PAUSED, NET_MS);
    return d;
}

void dispatcher_wake(struct dispatcher *d)
{
    /* where no codec can be started, others shall have the jobs that wait for one */
    if (codec_pool_is_broken(d->parts->codecs)) {
        for (struct list *link = d->runs.next; link != &d->runs; link = link->next) {
            job_run_drain(job_run_of_link(link));
        }
    }
    if (d->state == DISPATCHER_FULL || d->state == DISPATCHER_PAUSED) {
        step(d);
    }
}

static void on_grace_over(void *owner)
{
    struct dispatcher *d = owner;
    log_warn("the grace time is over; jobs are given back", log_int("jobs", (int64_t)d->in_hand));
    for (struct list *link = d->runs.next; link != &d->runs; link = link->next) {
        job_run_stop(job_run_of_link(link));
    }
}

void dispatcher_stop(struct dispatcher *d, uint64_t grace_ms, void (*stopped)(void *owner), void *owner)
{
    assert(!d->is_stopping);
    d->is_stopping = true;
    d->stopped = stopped;
    d->stop_owner = owner;
    set_state(d, DISPATCHER_STOPPED, 0);
    for (struct list *link = d->runs.next; link != &d->runs; link = link->next) {
        job_run_drain(job_run_of_link(link));
    }
    deadline_arm(&d->grace, d->parts->loop, grace_ms, on_grace_over, d);
    end_where_done(d);
}

void dispatcher_free(struct dispatcher *d)
{
    assert(list_is_empty(&d->runs));
    free(d);
}

struct dispatcher_status dispatcher_status(const struct dispatcher *d)
{
    return (struct dispatcher_status){.in_hand = d->in_hand,
                                      .needing_codec = d->needing_codec,
                                      .is_paused = is_paused(d),
                                      .taken = d->taken_count};
}

size_t dispatcher_jobs(const struct dispatcher *d, const char **names, size_t most)
{
    size_t count = 0;
    for (struct list *link = d->runs.next; link != &d->runs && count < most; link = link->next) {
        names[count++] = job_run_name(job_run_of_link(link));
    }
    return count;
}
