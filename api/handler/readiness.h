// SPDX-License-Identifier: Apache-2.0
/*
 * Whether the parts that requests can't be served without answer now. Each part is asked by one check at a time, however many
 * probes wait for it: a part that hangs is not asked again, and costs no more than that one check. A probe never waits longer than
 * READINESS_TIMEOUT_MS; a part that has not answered by then counts as down.
 */
#ifndef PIXMILL_HANDLER_READINESS_H
#define PIXMILL_HANDLER_READINESS_H

#include "common/base/list.h"
#include "common/net/loop.h"

#include <stdbool.h>

enum { READINESS_TIMEOUT_MS = 1000 };

enum readiness_part { READINESS_DATABASE, READINESS_STORAGE, READINESS_PARTS };

struct db;
struct readiness;
struct storage;

/* How a part is asked: ask(part, done, owner) answers by done, without an error where the part works. */
struct readiness_check {
    void (*ask)(void *part, done_fn done, void *owner);
    void *part;
};

/* The checks of the real parts, which stay the caller's. */
struct readiness_check readiness_of_db(struct db *db);
struct readiness_check readiness_of_storage(struct storage *storage);

/* Nothing is asked yet. Never NULL; freed with readiness_free. */
struct readiness *readiness_new(struct loop *loop, const struct readiness_check checks[READINESS_PARTS]);

/* Frees; no probe waits any more and no check is pending. NULL is allowed. */
void readiness_free(struct readiness *readiness);

/* One probe; embedded in its owner, who keeps it until done. */
struct readiness_probe {
    bool is_up[READINESS_PARTS]; /* filled before done */
    /* readiness.c's own */
    struct list link;
    unsigned waits; /* bits of the parts that have not answered */
    struct deadline deadline;
    void (*done)(void *owner);
    void *owner;
};

/* Asks all parts and calls done(owner) once, when all have answered or the time is over; never before this has returned. */
void readiness_ask(struct readiness *readiness, struct readiness_probe *probe, void (*done)(void *owner),
                   void *owner);

#endif
