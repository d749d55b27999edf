// SPDX-License-Identifier: Apache-2.0
#include "common/net/deadline.h"

#include <assert.h>

enum { FIRST_SIZE = 64 };

static bool is_before(const struct deadline *a, const struct deadline *b)
{
    return a->at_ms < b->at_ms;
}

static void set_place(struct deadlines *d, size_t place, struct deadline *deadline)
{
    d->heap[place - 1] = deadline;
    deadline->place = place;
}

/* Moves a deadline from `place` towards the root until its parent is not later. */
static void rise(struct deadlines *d, size_t place, struct deadline *deadline)
{
    while (place > 1 && is_before(deadline, d->heap[place / 2 - 1])) {
        set_place(d, place, d->heap[place / 2 - 1]);
        place /= 2;
    }
    set_place(d, place, deadline);
}

/* Moves a deadline from `place` away from the root until no child is earlier. */
static void sink(struct deadlines *d, size_t place, struct deadline *deadline)
{
    for (;;) {
        size_t child = 2 * place;
        if (child > d->used) {
            break;
        }
        if (child < d->used && is_before(d->heap[child], d->heap[child - 1])) {
            child++;
        }
        if (!is_before(d->heap[child - 1], deadline)) {
            break;
        }
        set_place(d, place, d->heap[child - 1]);
        place = child;
    }
    set_place(d, place, deadline);
}

static void take_out(struct deadlines *d, struct deadline *deadline)
{
    size_t place = deadline->place;
    struct deadline *last = d->heap[--d->used];
    deadline->place = 0;
    if (last != deadline) {
        last->place = place;
        rise(d, place, last);
        sink(d, last->place, last);
    }
}

static void put_in(struct deadlines *d, struct deadline *deadline)
{
    if (d->used == d->size) {
        d->size = d->size == 0 ? FIRST_SIZE : 2 * d->size;
        d->heap = realloc(d->heap, d->size * sizeof(struct deadline *));
        if (d->heap == NULL) {
            abort();
        }
    }
    d->used++;
    rise(d, d->used, deadline);
}

/* The real time: libuv's cached one is as old as the callback that runs now. */
static uint64_t now_ms(uv_loop_t *uv)
{
    uv_update_time(uv);
    return uv_now(uv);
}

static void on_timer(uv_timer_t *timer);

static void start_timer(struct deadlines *d, uint64_t now)
{
    uint64_t at_ms = d->heap[0]->at_ms;
    int status = uv_timer_start(&d->timer, on_timer, at_ms > now ? at_ms - now : 0, 0);
    assert(status == 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct deadlines *d = timer->data;
    uint64_t now = now_ms(timer->loop);
    while (d->used > 0 && d->heap[0]->at_ms <= now) {
        struct deadline *due = d->heap[0];
        take_out(d, due);
        due->fn(due->owner);
    }
    if (d->used > 0) {
        start_timer(d, now_ms(timer->loop));
    }
}

void deadlines_init(struct deadlines *d, uv_loop_t *uv)
{
    *d = (struct deadlines){.used = 0};
    int status = uv_timer_init(uv, &d->timer);
    assert(status == 0);
    d->timer.data = d;
}

void deadlines_release(struct deadlines *d)
{
    assert(d->used == 0);
    free(d->heap);
    d->heap = NULL;
    uv_close((uv_handle_t *)&d->timer, NULL);
}

void deadline_arm(struct deadline *deadline, struct loop *loop, uint64_t after_ms, void (*fn)(void *owner),
                  void *owner)
{
    struct deadlines *d = loop_deadlines(loop);
    deadline_disarm(deadline);
    uint64_t now = now_ms(d->timer.loop);
    deadline->at_ms = after_ms < UINT64_MAX - now ? now + after_ms : UINT64_MAX;
    deadline->loop = loop;
    deadline->fn = fn;
    deadline->owner = owner;
    put_in(d, deadline);
    if (deadline->place == 1) {
        start_timer(d, now);
    }
}

void deadline_disarm(struct deadline *deadline)
{
    if (deadline->place == 0) {
        return;
    }
    struct deadlines *d = loop_deadlines(deadline->loop);
    take_out(d, deadline);
    /* where another became the earliest, the timer may fire too soon once, which costs less than starting it
     * each time */
    if (d->used == 0) {
        uv_timer_stop(&d->timer);
    }
}

bool deadline_is_armed(const struct deadline *deadline)
{
    return deadline->place != 0;
}
