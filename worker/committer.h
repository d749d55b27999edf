// SPDX-License-Identifier: Apache-2.0
/*
 * Tells PostgreSQL and then Redis of images that are done, many at a time: while transactions are on their way, the next gathers; so
 * an idle worker commits at once, and a busy one pays for a disk's sync once a group. The finishes are gathered the same way.
 *
 * What a crash between the two leaves is harmless: the job comes again and is found not owed. Where a group's transaction fails for
 * the sake of one row (no outage), each of its rows is tried alone, so that it harms no other. Where it fails with the database, it is
 * tried once more, over another connection; then all of it fails.
 */
#ifndef PIXMILL_WORKER_COMMITTER_H
#define PIXMILL_WORKER_COMMITTER_H

#include "common/base/list.h"
#include "common/db/db_image.h"
#include "common/queue/queue.h"

struct committer;
struct loop;

/* Never NULL; closed with committer_close. db and queue outlive it. */
struct committer *committer_open(struct loop *loop, struct db *db, struct queue *queue);

/* Waits for what is pending, and frees; nothing new may come. closed(owner) is the last call, from the loop. */
void committer_close(struct committer *committer, void (*closed)(void *owner), void *owner);

/* A row to be switched, embedded in who wants it; alive, with result and what it points at, until done. */
struct commit {
    struct list link;
    const struct db_image_result *result;
    bool is_current; /* as of db_image_ready; filled before done */
    done_fn done;
    void *owner;
};

/* Has the row switched, as by db_image_ready, whose errors it has. */
void committer_switch(struct committer *committer, struct commit *commit,
                      const struct db_image_result *result, done_fn done, void *owner);

/* A lease to be finished; embedded too. */
struct commit_finish {
    struct list link;
    struct queue_lease lease;
    done_fn done;
    void *owner;
};

/* Has the job finished, as by queue_finish, whose errors it has. */
void committer_finish(struct committer *committer, struct commit_finish *finish,
                      const struct queue_lease *lease, done_fn done, void *owner);

#endif
