// SPDX-License-Identifier: Apache-2.0
/*
 * Rows that wait become a group whenever none is on its way:
 *
 *     IDLE ──► GROUP ──► IDLE                 switched, all of them
 *                │ the database is away: GROUP once more, then all are told so
 *                └ one row is refused: ALONE, ALONE, ... ──► IDLE
 *
 * A group that failed with the database is tried once more at once: a connection that was cut, or a deadlock, is over by then, and
 * nobody makes images anew for it. Where the first try had done its work and only the answer was lost, the second one finds the rows
 * switched, and says that they are not current: their jobs end all the same.
 */
#include "worker/committer.h"

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/net/loop.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 2 };

enum committer_state { COMMITTER_IDLE, COMMITTER_GROUP, COMMITTER_ALONE };

struct committer {
    struct loop *loop;   /* borrowed */
    struct db *db;       /* borrowed */
    struct queue *queue; /* borrowed */
    struct loop_later pump;

    struct list rows; /* struct commit.link, those that wait */
    enum committer_state state;
    struct commit *group[DB_IMAGE_READY_MAX];
    const struct db_image_result *results[DB_IMAGE_READY_MAX];
    bool is_current[DB_IMAGE_READY_MAX]; /* out-parameter */
    size_t group_count;
    size_t place; /* in ALONE: the row that is tried; those before it were answered */
    int tries;

    struct list finishes; /* struct commit_finish.link, those that wait */
    struct commit_finish *finishing[QUEUE_TAKE_MAX];
    struct queue_lease leases[QUEUE_TAKE_MAX];
    size_t finishing_count;

    bool is_closing;
    void (*closed)(void *owner);
    void *close_owner;
};

static void pump(void *owner);

static void pump_later(struct committer *committer)
{
    loop_call_later(committer->loop, &committer->pump, pump, committer);
}

/* rows */

static bool is_in_group(const struct committer *committer, const struct commit *commit)
{
    for (size_t i = 0; i < committer->group_count; i++) {
        if (committer->results[i]->id == commit->result->id) {
            return true;
        }
    }
    return false;
}

/* Images of a group differ: where one comes twice, for two generations, the second waits for the next group. */
static void gather(struct committer *committer)
{
    struct list later;
    struct list *link = NULL;
    list_init(&later);
    committer->group_count = 0;
    while (committer->group_count < DB_IMAGE_READY_MAX && (link = list_shift(&committer->rows)) != NULL) {
        struct commit *commit = list_owner(link, struct commit, link);
        if (is_in_group(committer, commit)) {
            list_append(&later, link);
            continue;
        }
        committer->results[committer->group_count] = commit->result;
        committer->group[committer->group_count++] = commit;
    }
    /* first those that were passed over, then those that were not looked at */
    while ((link = list_shift(&committer->rows)) != NULL) {
        list_append(&later, link);
    }
    while ((link = list_shift(&later)) != NULL) {
        list_append(&committer->rows, link);
    }
}

static void answer(struct commit *commit, bool is_current, const struct err *err)
{
    commit->is_current = err == NULL && is_current;
    commit->done(commit->owner, err);
}

/* Answers the rows from `from` on. There is no group any more by then: with the last answer the committer may be closed. */
static void end_group(struct committer *committer, size_t from, const struct err *err)
{
    struct commit *group[DB_IMAGE_READY_MAX];
    bool is_current[DB_IMAGE_READY_MAX];
    size_t count = committer->group_count;
    memcpy(group, committer->group, sizeof group);
    memcpy(is_current, committer->is_current, sizeof is_current);
    committer->group_count = 0;
    committer->state = COMMITTER_IDLE;
    pump_later(committer);
    for (size_t i = from; i < count; i++) {
        answer(group[i], is_current[i], err);
    }
}

static bool is_about_the_row(const struct err *err)
{
    return err->code != ERR_DATABASE && err->code != ERR_OVERLOADED && err->code != ERR_SHUTDOWN;
}

static void try_alone(struct committer *committer);

static void on_alone(void *owner, const struct err *err)
{
    struct committer *committer = owner;
    size_t place = committer->place;
    bool is_last = place + 1 == committer->group_count;
    if (is_last || (err != NULL && !is_about_the_row(err))) {
        end_group(committer, place, err);
        return;
    }
    committer->place++;
    try_alone(committer);
    answer(committer->group[place], committer->is_current[place], err);
}

static void try_alone(struct committer *committer)
{
    db_image_ready(committer->db, committer->results[committer->place],
                   &committer->is_current[committer->place], on_alone, committer);
}

static void try_group(struct committer *committer);

static void on_group(void *owner, const struct err *err)
{
    struct committer *committer = owner;
    if (err == NULL) {
        end_group(committer, 0, NULL);
    } else if (err->code == ERR_DATABASE && committer->tries < TRIES) {
        log_debug("a group of rows is switched once more", log_err(err));
        try_group(committer);
    } else if (is_about_the_row(err) && committer->group_count > 1) {
        log_debug("the rows of a group are switched one by one", log_err(err));
        committer->state = COMMITTER_ALONE;
        committer->place = 0;
        try_alone(committer);
    } else {
        end_group(committer, 0, err);
    }
}

static void try_group(struct committer *committer)
{
    committer->tries++;
    db_image_ready_many(committer->db, committer->results, committer->group_count, committer->is_current,
                        on_group, committer);
}

/* finishes */

static void on_finished(void *owner, const struct err *err)
{
    struct committer *committer = owner;
    struct commit_finish *finished[QUEUE_TAKE_MAX];
    size_t count = committer->finishing_count;
    memcpy(finished, committer->finishing, sizeof finished);
    committer->finishing_count = 0;
    pump_later(committer);
    for (size_t i = 0; i < count; i++) {
        finished[i]->done(finished[i]->owner, err);
    }
}

static void finish_many(struct committer *committer)
{
    struct list *link = NULL;
    while (committer->finishing_count < QUEUE_TAKE_MAX && (link = list_shift(&committer->finishes)) != NULL) {
        struct commit_finish *finish = list_owner(link, struct commit_finish, link);
        committer->leases[committer->finishing_count] = finish->lease;
        committer->finishing[committer->finishing_count++] = finish;
    }
    queue_finish(committer->queue, committer->leases, committer->finishing_count, on_finished, committer);
}

static void finish_close(struct committer *committer)
{
    void (*closed)(void *) = committer->closed;
    void *close_owner = committer->close_owner;
    free(committer);
    closed(close_owner);
}

/* Called by the loop, after all who have something in this turn have told it. */
static void pump(void *owner)
{
    struct committer *committer = owner;
    if (committer->is_closing) {
        finish_close(committer);
        return;
    }
    if (committer->state == COMMITTER_IDLE && !list_is_empty(&committer->rows)) {
        gather(committer);
        committer->state = COMMITTER_GROUP;
        committer->tries = 0;
        try_group(committer);
    }
    if (committer->finishing_count == 0 && !list_is_empty(&committer->finishes)) {
        finish_many(committer);
    }
}

struct committer *committer_open(struct loop *loop, struct db *db, struct queue *queue)
{
    struct committer *committer = alloc_zeroed(1, sizeof *committer);
    committer->loop = loop;
    committer->db = db;
    committer->queue = queue;
    list_init(&committer->rows);
    list_init(&committer->finishes);
    return committer;
}

void committer_close(struct committer *committer, void (*closed)(void *owner), void *owner)
{
    assert(committer->state == COMMITTER_IDLE && list_is_empty(&committer->rows));
    assert(committer->finishing_count == 0 && list_is_empty(&committer->finishes));
    committer->is_closing = true;
    committer->closed = closed;
    committer->close_owner = owner;
    pump_later(committer);
}

void committer_switch(struct committer *committer, struct commit *commit,
                      const struct db_image_result *result, done_fn done, void *owner)
{
    assert(!committer->is_closing);
    commit->result = result;
    commit->is_current = false;
    commit->done = done;
    commit->owner = owner;
    list_init(&commit->link);
    list_append(&committer->rows, &commit->link);
    pump_later(committer);
}

void committer_finish(struct committer *committer, struct commit_finish *finish,
                      const struct queue_lease *lease, done_fn done, void *owner)
{
    assert(!committer->is_closing);
    finish->lease = *lease;
    finish->done = done;
    finish->owner = owner;
    list_init(&finish->link);
    list_append(&committer->finishes, &finish->link);
    pump_later(committer);
}
