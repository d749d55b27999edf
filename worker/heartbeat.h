// SPDX-License-Identifier: Apache-2.0
/*
 * Tells the queue once a second what this worker is and does, for operators (queue_workers). Nothing depends on it: who holds a
 * job is a matter of leases.
 */
#ifndef PIXMILL_WORKER_HEARTBEAT_H
#define PIXMILL_WORKER_HEARTBEAT_H

#include "worker/parts.h"

#include <stddef.h>

struct dispatcher;
struct heartbeat;

/* Begins to tell. codecs: how many there should be. Never NULL; parts and dispatcher outlive it. Closed with heartbeat_close. */
struct heartbeat *heartbeat_open(const struct parts *parts, const struct dispatcher *dispatcher,
                                 size_t codecs);

/* The worker is stopping: tells so, soon. */
void heartbeat_stopping(struct heartbeat *heartbeat);

/* Tells no more, so that the worker is soon forgotten, and frees; closed(owner) is the last call, from the loop. */
void heartbeat_close(struct heartbeat *heartbeat, void (*closed)(void *owner), void *owner);

#endif
