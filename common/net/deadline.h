// SPDX-License-Identifier: Apache-2.0
/*
 * The deadlines of one loop: a binary heap of pointers into their owners, over a single libuv timer. Inside
 * net only; everybody else arms and disarms by loop.h. The timer runs only while something is armed, so that
 * an armed deadline keeps the loop alive and an empty heap does not.
 */
#ifndef PIXMILL_NET_DEADLINE_H
#define PIXMILL_NET_DEADLINE_H

#include "common/net/loop.h"

struct deadlines {
    uv_timer_t timer;
    struct deadline **heap; /* owned; heap[0] is the earliest */
    size_t used;
    size_t size;
};

/* The deadlines that belong to a loop. */
struct deadlines *loop_deadlines(struct loop *loop);

/* An empty heap with its timer on a libuv loop. */
void deadlines_init(struct deadlines *deadlines, uv_loop_t *uv);

/* Closes the timer and frees the heap; asserts that nothing is armed. The memory must live until the loop ran
 * once more. */
void deadlines_release(struct deadlines *deadlines);

#endif
