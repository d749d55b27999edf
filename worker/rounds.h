// SPDX-License-Identifier: Apache-2.0
/*
 * The pace of a part that works for ever in the background: rest, work, rest. Embedded in that part. Closing it ends the part at
 * once while it rests, else when the work that is under way has come to its rest: nothing is cancelled, and every call that the
 * work makes has a deadline.
 *
 *     REST ──after a while──► WORK ──rounds_rest──► REST
 */
#ifndef PIXMILL_WORKER_ROUNDS_H
#define PIXMILL_WORKER_ROUNDS_H

#include "common/net/loop.h"

struct rounds {
    struct loop *loop; /* borrowed */
    struct deadline wait;
    void (*work)(void *part);
    void (*release)(void *part);
    void *part;
    bool is_working;
    bool is_closing;
    struct loop_later close;
    void (*closed)(void *owner);
    void *close_owner;
};

/*
 * Begins with a rest. work(part) is called from the loop when a rest is over, and ends, now or later, with rounds_rest;
 * release(part) frees the part, and rounds with it, after the last.
 */
void rounds_start(struct rounds *rounds, struct loop *loop, uint64_t first_ms, void (*work)(void *part),
                  void (*release)(void *part), void *part);

/* The work is over for now: rests for rest_ms, at least for a turn of the loop, or ends where it is closing. */
void rounds_rest(struct rounds *rounds, uint64_t rest_ms);

/* Ends a rest that is under way; work that is under way, or an end, goes on as it is. */
void rounds_hurry(struct rounds *rounds);

/* True once it is closing: work may come to its rest early. */
bool rounds_are_closing(const struct rounds *rounds);

/* Rests no more; closed(owner) is the last call, from the loop, after the part was released. */
void rounds_close(struct rounds *rounds, void (*closed)(void *owner), void *owner);

#endif
