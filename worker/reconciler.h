// SPDX-License-Identifier: Apache-2.0
/*
 * Compares what PostgreSQL says is owed with the queue, always, in one worker at a time (queue_sweep): so a push that was lost, or a Redis
 * that was emptied, set back or replaced, costs time and no image. Pushing what is pending already changes nothing.
 *
 * An ordinary sweep, one a lease, goes slowly through the images that were owed and not touched for a while. A rebuild, where the queue
 * has lost its epoch, goes through all that is owed as fast as Redis takes it; what is high goes as normal then, so that live
 * uploads, which need no rebuild, come before it. Both first tell the queue whether operators have paused it.
 *
 *     REST ─► ASK ─► READ_PAUSE ─► SET_PAUSE ─► CHECK_PAUSE ─► LIST ─► PUSH ... ─► MARK ─► LIST ... ─► REST
 *       ▲      │ somebody else's, or not yet                    ▲       (ordinary: a pause)  │
 *       └──────┘                                                └────────────────────────────┘
 *
 * Where a call fails, the page that it was made for is made again, after a rest and a new ASK: meanwhile Redis may be another one.
 */
#ifndef PIXMILL_WORKER_RECONCILER_H
#define PIXMILL_WORKER_RECONCILER_H

#include "worker/parts.h"

struct reconciler;

/* Starts comparing. Never NULL; parts outlive it. Closed with reconciler_close. */
struct reconciler *reconciler_open(const struct parts *parts);

/* Stops and frees; closed(owner) is the last call, from the loop. */
void reconciler_close(struct reconciler *reconciler, void (*closed)(void *owner), void *owner);

#endif
