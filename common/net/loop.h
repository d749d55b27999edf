// SPDX-License-Identifier: Apache-2.0
/*
 * The event loop of a process, over libuv: one thread runs it, and everything of pixmill that is not named as
 * work for the thread pool happens there. Owns the uv_loop_t, the deadlines, and the stop flag that SIGTERM
 * and SIGINT set.
 */
#ifndef PIXMILL_NET_LOOP_H
#define PIXMILL_NET_LOOP_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct loop;

/*
 * A loop with nothing on it. Returns NULL with *err set where the kernel refuses. Freed with loop_free. From
 * here on the process ignores SIGPIPE: a peer that went away is an error of the write.
 */
struct loop *loop_new(struct err *err);

/* The loop for libuv calls; uv_loop_t.data belongs to loop.c. */
uv_loop_t *loop_uv(struct loop *loop);

/* Runs until nothing is left on the loop. */
void loop_run(struct loop *loop);

/* Frees the loop; asserts that every handle was closed and no deadline is armed. */
void loop_free(struct loop *loop);

/*
 * Keeps SIGTERM and SIGINT waiting until loop_watch_signals, so that a stop that is asked for while a program still opens its parts
 * is no less orderly than a later one. For the start of main, before there are threads; what the loop spawns does not inherit it.
 */
void loop_hold_signals(void);

/*
 * Calls on_stop once, on the loop, at the first SIGTERM or SIGINT; a second signal ends the process at once.
 * The handles do not keep the loop alive and are closed by loop_unwatch_signals. A signal that was held counts. Returns 0, or -1
 * with *err.
 */
int loop_watch_signals(struct loop *loop, void (*on_stop)(void *owner), void *owner,
                       struct err *err) MUST_CHECK;
void loop_unwatch_signals(struct loop *loop);

/*
 * Runs work(owner) on the thread pool, then done(owner) on the loop. work must touch nothing that the loop
 * may touch meanwhile. Never fails: out of memory aborts.
 */
void loop_work(struct loop *loop, void (*work)(void *owner), void (*done)(void *owner), void *owner);

/*
 * loop_call_later calls later(owner) once, from the loop, after the present callback has returned. The
 * loop_later is embedded in its owner and must live until then; queued once more with the same function and
 * owner, it still runs once.
 */
struct loop_later {
    struct loop_later *next;
    void (*later)(void *owner);
    void *owner;
    bool is_queued;
};
void loop_call_later(struct loop *loop, struct loop_later *call, void (*later)(void *owner), void *owner);

/* The longest time that the loop was away from its poll since the last call of this, in microseconds. */
uint64_t loop_take_lag_us(struct loop *loop);

/*
 * A deadline: one moment at which fn(owner) is called, once, unless it was disarmed before. Embedded in its
 * owner; needs no close, so memory may go right after deadline_disarm. Zero-initialized means unarmed.
 */
struct deadline {
    size_t place; /* 1-based place in the loop's heap; 0 while unarmed */
    uint64_t at_ms;
    struct loop *loop;
    void (*fn)(void *owner);
    void *owner;
};

/* Arms (or arms anew) a deadline after_ms from now. */
void deadline_arm(struct deadline *deadline, struct loop *loop, uint64_t after_ms, void (*fn)(void *owner),
                  void *owner);

/* Disarms; harmless on an unarmed one. */
void deadline_disarm(struct deadline *deadline);

/* True from deadline_arm until it was called or disarmed. */
bool deadline_is_armed(const struct deadline *deadline);

#endif
