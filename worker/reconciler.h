// SPDX-License-Identifier: Apache-2.0
/*
 * Compares what PostgreSQL says is owed with the queue, always, slowly: images that are owed and were not touched for
 * a while are pushed again, which changes nothing where their job is still there. So a push that was lost, or a Redis
 * that was emptied, costs time and no image.
 *
 *     REST ─► LISTING ─► PUSHING ─► (more: pause) LISTING ... ─► REST
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
