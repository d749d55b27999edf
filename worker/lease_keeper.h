// SPDX-License-Identifier: Apache-2.0
/*
 * Renews the leases of all jobs in hand, every third of a lease, however long a job takes: a live worker is never
 * robbed. A lease that Redis does not know any more is told to its holder, who then stops.
 */
#ifndef PIXMILL_WORKER_LEASE_KEEPER_H
#define PIXMILL_WORKER_LEASE_KEEPER_H

#include "common/base/list.h"
#include "common/queue/queue.h"

struct lease_keeper;
struct loop;

/* A lease that is kept. Embedded in its holder. */
struct lease_hold {
    struct list link;
    struct queue_lease lease;
    bool is_asked; /* in the renewal that is under way */
    size_t place;  /* in it */
    void (*on_lost)(void *owner);
    void *owner;
};

/* Starts keeping. Never NULL; freed with lease_keeper_close. queue outlives it. */
struct lease_keeper *lease_keeper_open(struct loop *loop, struct queue *queue, uint64_t lease_ms);

/* Frees; nothing may be held, closed(owner) is the last call, from the loop. */
void lease_keeper_close(struct lease_keeper *keeper, void (*closed)(void *owner), void *owner);

/* Keeps a lease from now on. on_lost(owner) is called from the loop at most once, and the lease is then not held any more. */
void lease_keeper_hold(struct lease_keeper *keeper, struct lease_hold *hold, const struct queue_lease *lease,
                       void (*on_lost)(void *owner), void *owner);

/* Stops keeping it; harmless where it is not held. */
void lease_keeper_release(struct lease_keeper *keeper, struct lease_hold *hold);

#endif
