// SPDX-License-Identifier: Apache-2.0
/*
 * A few groups are on their way at once, each a transaction over a connection of its own:
 *
 *     IDLE ──► TOGETHER ──► IDLE                 switched, all of them
 *                │ the database is away: TOGETHER once more, then all are told so
 *                └ one row is refused: ALONE, ALONE, ... ──► IDLE
 *
 * The first row that comes goes at once. While groups are on their way, rows gather until they are worth a disk's sync, or until
 * nothing is on its way any more; so no row waits for longer than those before it take, and a slow sync makes larger groups.
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

enum {
    TRIES = 2,
    GROUPS_MOST = 3, /* one less than connections by default: a begin finds one that waits for no disk */
    ROWS_WORTH_IT = 8
};

enum group_state { GROUP_IDLE, GROUP_TOGETHER, GROUP_ALONE };

/* One transaction, or some one after the other. */
struct group {
    struct committer *committer;
    enum group_state state;
    struct commit
        *rows[DB_IMAGE_READY_MAX]; /* those from `place` on are on their way; nobody answers them meanwhile */
    const struct db_image_result *results[DB_IMAGE_READY_MAX];
    bool is_current[DB_IMAGE_READY_MAX]; /* out-parameter */
    size_t count;
    size_t place; /* in ALONE: the row that is tried; those before it were answered */
    int tries;
};

struct committer {
    struct loop *loop;   /* borrowed */
    struct db *db;       /* borrowed */
    struct queue *queue; /* borrowed */
    struct loop_later pump;

    struct list rows; /* struct commit.link, those that wait */
    size_t row_count;
    struct group groups[GROUPS_MOST];

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

static bool is_in_group(const struct group *group, int64_t id)
{
    for (size_t i = group->place; i < group->count; i++) {
        if (group->results[i]->id == id) {
            return true;
        }
    }
    return false;
}

static bool is_on_its_way(const struct committer *committer, int64_t id)
{
    for (size_t i = 0; i < GROUPS_MOST; i++) {
        if (is_in_group(&committer->groups[i], id)) {
            return true;
        }
    }
    return false;
}

/* Images on their way differ: where one comes twice, for two generations, the second waits until the first is answered. */
static void gather(struct committer *committer, struct group *group)
{
    struct list later;
    struct list *link = NULL;
    list_init(&later);
    while (group->count < DB_IMAGE_READY_MAX && (link = list_shift(&committer->rows)) != NULL) {
        struct commit *commit = list_owner(link, struct commit, link);
        if (is_on_its_way(committer, commit->result->id)) {
            list_append(&later, link);
            continue;
        }
        group->results[group->count] = commit->result;
        group->rows[group->count++] = commit;
        committer->row_count--;
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

/* Answers the rows that were not answered yet. They are of no group any more by then: with the last answer the committer may be closed. */
static void end_group(struct group *group, const struct err *err)
{
    struct commit *rows[DB_IMAGE_READY_MAX];
    bool is_current[DB_IMAGE_READY_MAX];
    size_t place = group->place;
    size_t count = group->count;
    memcpy(rows, group->rows, sizeof rows);
    memcpy(is_current, group->is_current, sizeof is_current);
    group->count = 0;
    group->place = 0;
    group->state = GROUP_IDLE;
    pump_later(group->committer);
    for (size_t i = place; i < count; i++) {
        answer(rows[i], is_current[i], err);
    }
}

static bool is_about_the_row(const struct err *err)
{
    return err->code != ERR_DATABASE && err->code != ERR_OVERLOADED && err->code != ERR_SHUTDOWN;
}

static void try_alone(struct group *group);

static void on_alone(void *owner, const struct err *err)
{
    struct group *group = owner;
    size_t place = group->place;
    bool is_last = place + 1 == group->count;
    if (is_last || (err != NULL && !is_about_the_row(err))) {
        end_group(group, err);
        return;
    }
    group->place++;
    try_alone(group);
    answer(group->rows[place], group->is_current[place], err);
}

static void try_alone(struct group *group)
{
    db_image_ready(group->committer->db, group->results[group->place], &group->is_current[group->place],
                   on_alone, group);
}

static void try_together(struct group *group);

static void on_together(void *owner, const struct err *err)
{
    struct group *group = owner;
    if (err == NULL) {
        end_group(group, NULL);
    } else if (err->code == ERR_DATABASE && group->tries < TRIES) {
        log_debug("a group of rows is switched once more", log_err(err));
        try_together(group);
    } else if (is_about_the_row(err) && group->count > 1) {
        log_debug("the rows of a group are switched one by one", log_err(err));
        group->state = GROUP_ALONE;
        try_alone(group);
    } else {
        end_group(group, err);
    }
}

static void try_together(struct group *group)
{
    group->tries++;
    db_image_ready_many(group->committer->db, group->results, group->count, group->is_current, on_together,
                        group);
}

static size_t count_busy(const struct committer *committer)
{
    size_t busy = 0;
    for (size_t i = 0; i < GROUPS_MOST; i++) {
        busy += committer->groups[i].state != GROUP_IDLE;
    }
    return busy;
}

/* Sends rows that wait where the group is free; false where nothing can be sent now. */
static bool send_group(struct committer *committer, struct group *group)
{
    if (group->state != GROUP_IDLE) {
        return true;
    }
    bool is_worth_it = committer->row_count >= ROWS_WORTH_IT || count_busy(committer) == 0;
    if (is_worth_it) {
        gather(committer, group);
    }
    if (group->count == 0) {
        return false;
    }
    group->state = GROUP_TOGETHER;
    group->tries = 0;
    try_together(group);
    return true;
}

static void send_rows(struct committer *committer)
{
    for (size_t i = 0; i < GROUPS_MOST && send_group(committer, &committer->groups[i]); i++) {
    }
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

static bool is_idle(const struct committer *committer)
{
    return list_is_empty(&committer->rows) && count_busy(committer) == 0 &&
           list_is_empty(&committer->finishes) && committer->finishing_count == 0;
}

/* Called by the loop, after all who have something in this turn have told it. */
static void pump(void *owner)
{
    struct committer *committer = owner;
    if (committer->is_closing && is_idle(committer)) {
        finish_close(committer);
        return;
    }
    send_rows(committer);
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
    for (size_t i = 0; i < GROUPS_MOST; i++) {
        committer->groups[i].committer = committer;
    }
    return committer;
}

void committer_close(struct committer *committer, void (*closed)(void *owner), void *owner)
{
    assert(!committer->is_closing);
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
    committer->row_count++;
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
