// SPDX-License-Identifier: Apache-2.0
/*
 * Removes files that no row refers to any more: takes tombstones that are older than a grace time (a client may still
 * be reading), removes the file, then drops the tombstone. Never touches a file without a tombstone; for those, see orphans.h.
 *
 *     REST ─► LISTING ─► REMOVING ─► DROPPING ─► REST
 */
#ifndef PIXMILL_WORKER_JANITOR_H
#define PIXMILL_WORKER_JANITOR_H

#include "worker/parts.h"

struct janitor;

/* Starts sweeping. Never NULL; parts outlive it. Closed with janitor_close. */
struct janitor *janitor_open(const struct parts *parts);

/* Stops and frees; closed(owner) is the last call, from the loop. */
void janitor_close(struct janitor *janitor, void (*closed)(void *owner), void *owner);

#endif
