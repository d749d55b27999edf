// SPDX-License-Identifier: Apache-2.0
#include "common/net/loop.h"

#include "common/base/alloc.h"
#include "common/net/deadline.h"

#include <assert.h>
#include <signal.h>
#include <unistd.h>

enum { SIGNAL_COUNT = 2, CLOSE_TURNS = 16 };

static const int stop_signals[SIGNAL_COUNT] = {SIGTERM, SIGINT};

struct loop {
    uv_loop_t uv;
    struct deadlines deadlines;
    uv_idle_t idle;       /* active while calls are queued: libuv then does not wait in poll */
    uv_prepare_t prepare; /* runs before each poll and measures the lag */
    struct loop_later *first;
    struct loop_later *last;
    uint64_t turn_at_ns; /* when the last turn's work ended */
    uint64_t idle_ns;    /* what libuv had spent in poll by then */
    uint64_t lag_ns;
    uv_signal_t signals[SIGNAL_COUNT];
    bool is_watching;
    bool is_stopping;
    void (*on_stop)(void *owner);
    void *stop_owner;
};

struct work {
    uv_work_t request;
    void (*work)(void *owner);
    void (*done)(void *owner);
    void *owner;
};

static void on_idle(uv_idle_t *idle)
{
    struct loop *loop = idle->data;
    struct loop_later *call = loop->first;
    /* calls that are queued by these run in the next turn, so that they can't keep the loop from its poll */
    loop->first = NULL;
    loop->last = NULL;
    while (call != NULL) {
        struct loop_later *next = call->next;
        call->next = NULL;
        call->is_queued = false;
        call->later(call->owner);
        call = next;
    }
    if (loop->first == NULL) {
        uv_idle_stop(&loop->idle);
    }
}

/*
 * Between two runs of this lie one poll with its callbacks and one turn of timers and queued calls; what of
 * that was not spent waiting inside the kernel is the time that the loop was away.
 */
static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    uint64_t now_ns = uv_hrtime();
    uint64_t idle_ns = uv_metrics_idle_time(&loop->uv);
    uint64_t waited_ns = idle_ns - loop->idle_ns;
    uint64_t turn_ns = now_ns - loop->turn_at_ns;
    if (turn_ns > waited_ns && turn_ns - waited_ns > loop->lag_ns) {
        loop->lag_ns = turn_ns - waited_ns;
    }
    loop->turn_at_ns = now_ns;
    loop->idle_ns = idle_ns;
}

struct loop *loop_new(struct err *err)
{
    struct loop *loop = alloc_zeroed(1, sizeof *loop);
    int status = uv_loop_init(&loop->uv);
    if (status != 0) {
        err_set(err, ERR_INTERNAL, "no event loop: %s", uv_strerror(status));
        free(loop);
        return NULL;
    }
    /* a peer that goes away is an error of the write, not the end of the process */
    signal(SIGPIPE, SIG_IGN);
    status = uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME);
    assert(status == 0);
    loop->uv.data = loop;
    deadlines_init(&loop->deadlines, &loop->uv);
    uv_idle_init(&loop->uv, &loop->idle);
    uv_prepare_init(&loop->uv, &loop->prepare);
    loop->idle.data = loop;
    loop->prepare.data = loop;
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_unref((uv_handle_t *)&loop->prepare);
    loop->turn_at_ns = uv_hrtime();
    return loop;
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

struct deadlines *loop_deadlines(struct loop *loop)
{
    return &loop->deadlines;
}

void loop_run(struct loop *loop)
{
    loop->turn_at_ns = uv_hrtime();
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_free(struct loop *loop)
{
    assert(!loop->is_watching);
    assert(loop->first == NULL);
    deadlines_release(&loop->deadlines);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    int status = UV_EBUSY;
    /* handles close in the next turn; one that others left open makes the loop stay busy */
    for (int turn = 0; turn < CLOSE_TURNS && status == UV_EBUSY; turn++) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        status = uv_loop_close(&loop->uv);
    }
    assert(status == 0);
    free(loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct loop *loop = handle->data;
    if (loop->is_stopping) {
        _exit(128 + number);
    }
    loop->is_stopping = true;
    loop->on_stop(loop->stop_owner);
}

static void mask_signals(int how)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        sigaddset(&set, stop_signals[i]);
    }
    int status = pthread_sigmask(how, &set, NULL);
    assert(status == 0);
}

void loop_hold_signals(void)
{
    mask_signals(SIG_BLOCK);
}

int loop_watch_signals(struct loop *loop, void (*on_stop)(void *owner), void *owner, struct err *err)
{
    assert(!loop->is_watching);
    loop->is_watching = true;
    loop->is_stopping = false;
    loop->on_stop = on_stop;
    loop->stop_owner = owner;
    int status = 0;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        uv_signal_init(&loop->uv, &loop->signals[i]);
        loop->signals[i].data = loop;
        uv_unref((uv_handle_t *)&loop->signals[i]);
        if (status == 0) {
            status = uv_signal_start(&loop->signals[i], on_signal, stop_signals[i]);
        }
    }
    if (status != 0) {
        loop_unwatch_signals(loop);
        return err_set(err, ERR_INTERNAL, "signals can not be watched: %s", uv_strerror(status));
    }
    mask_signals(SIG_UNBLOCK);
    return 0;
}

void loop_unwatch_signals(struct loop *loop)
{
    if (!loop->is_watching) {
        return;
    }
    loop->is_watching = false;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        uv_close((uv_handle_t *)&loop->signals[i], NULL);
    }
}

static void on_work(uv_work_t *request)
{
    struct work *work = request->data;
    work->work(work->owner);
}

static void on_work_done(uv_work_t *request, int status)
{
    struct work *work = request->data;
    assert(status == 0); /* nothing here cancels work */
    void (*done)(void *owner) = work->done;
    void *owner = work->owner;
    free(work);
    done(owner);
}

void loop_work(struct loop *loop, void (*work)(void *owner), void (*done)(void *owner), void *owner)
{
    struct work *request = alloc_zeroed(1, sizeof *request);
    request->request.data = request;
    request->work = work;
    request->done = done;
    request->owner = owner;
    int status = uv_queue_work(&loop->uv, &request->request, on_work, on_work_done);
    assert(status == 0);
}

void loop_call_later(struct loop *loop, struct loop_later *call, void (*later)(void *owner), void *owner)
{
    if (call->is_queued) {
        assert(call->later == later && call->owner == owner);
        return;
    }
    *call = (struct loop_later){.later = later, .owner = owner, .is_queued = true};
    if (loop->last == NULL) {
        loop->first = call;
        uv_idle_start(&loop->idle, on_idle);
    } else {
        loop->last->next = call;
    }
    loop->last = call;
}

uint64_t loop_take_lag_us(struct loop *loop)
{
    uint64_t lag_us = loop->lag_ns / 1000;
    loop->lag_ns = 0;
    return lag_us;
}
