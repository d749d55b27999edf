// SPDX-License-Identifier: Apache-2.0
#include "worker/lease_keeper.h"

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/net/loop.h"

#include <assert.h>

enum { ROUND_MOST = QUEUE_TAKE_MAX, RENEWALS_A_LEASE = 3, RETRIES_A_LEASE = 12 };

/*
 * Leases are renewed in rounds of ROUND_MOST: the first of the list are asked for and put at its end, and the next
 * round follows at once until all had their turn.
 */
struct lease_keeper {
    struct loop *loop;
    struct queue *queue;
    uint64_t lease_ms;
    struct list holds; /* struct lease_hold.link */
    size_t held;
    size_t left; /* to renew before the next pause */
    struct deadline wait;
    bool is_asking;
    size_t asked;                         /* of the present round */
    struct lease_hold *round[ROUND_MOST]; /* NULL where it was released meanwhile */
    struct queue_lease leases[ROUND_MOST];
    bool is_held[ROUND_MOST];
    bool is_closing;
    struct loop_later close;
    void (*closed)(void *owner);
    void *close_owner;
};

static void renew_all(void *owner);

static void finish_close(void *owner)
{
    struct lease_keeper *keeper = owner;
    void (*closed)(void *) = keeper->closed;
    void *close_owner = keeper->close_owner;
    assert(list_is_empty(&keeper->holds));
    free(keeper);
    closed(close_owner);
}

static void pause_for(struct lease_keeper *keeper, uint64_t wait_ms)
{
    deadline_arm(&keeper->wait, keeper->loop, wait_ms > 0 ? wait_ms : 1, renew_all, keeper);
}

static void on_renewed(void *owner, const struct err *err);

static void renew_some(struct lease_keeper *keeper)
{
    keeper->asked = keeper->left < ROUND_MOST ? keeper->left : ROUND_MOST;
    keeper->left -= keeper->asked;
    for (size_t i = 0; i < keeper->asked; i++) {
        struct list *link = list_shift(&keeper->holds);
        struct lease_hold *hold = list_owner(link, struct lease_hold, link);
        list_append(&keeper->holds, link);
        keeper->round[i] = hold;
        keeper->leases[i] = hold->lease;
        hold->is_asked = true;
        hold->place = i;
    }
    keeper->is_asking = true;
    queue_renew(keeper->queue, keeper->leases, keeper->asked, keeper->lease_ms, keeper->is_held, on_renewed,
                keeper);
}

static void settle_round(struct lease_keeper *keeper, bool is_known)
{
    for (size_t i = 0; i < keeper->asked; i++) {
        struct lease_hold *hold = keeper->round[i];
        if (hold == NULL) {
            continue;
        }
        hold->is_asked = false;
        if (is_known && !keeper->is_held[i]) {
            lease_keeper_release(keeper, hold);
            hold->on_lost(hold->owner);
        }
    }
    keeper->asked = 0;
}

static void on_renewed(void *owner, const struct err *err)
{
    struct lease_keeper *keeper = owner;
    keeper->is_asking = false;
    settle_round(keeper, err == NULL);
    if (keeper->is_closing) {
        loop_call_later(keeper->loop, &keeper->close, finish_close, keeper);
    } else if (err != NULL) {
        log_debug("leases could not be renewed", log_err(err));
        pause_for(keeper, keeper->lease_ms / RETRIES_A_LEASE);
    } else if (keeper->left > 0 && keeper->held > 0) {
        keeper->left = keeper->left < keeper->held ? keeper->left : keeper->held;
        renew_some(keeper);
    } else {
        pause_for(keeper, keeper->lease_ms / RENEWALS_A_LEASE);
    }
}

static void renew_all(void *owner)
{
    struct lease_keeper *keeper = owner;
    keeper->left = keeper->held;
    if (keeper->held > 0) {
        renew_some(keeper);
    } else {
        pause_for(keeper, keeper->lease_ms / RENEWALS_A_LEASE);
    }
}

struct lease_keeper *lease_keeper_open(struct loop *loop, struct queue *queue, uint64_t lease_ms)
{
    struct lease_keeper *keeper = alloc_zeroed(1, sizeof *keeper);
    keeper->loop = loop;
    keeper->queue = queue;
    keeper->lease_ms = lease_ms;
    list_init(&keeper->holds);
    pause_for(keeper, lease_ms / RENEWALS_A_LEASE);
    return keeper;
}

void lease_keeper_close(struct lease_keeper *keeper, void (*closed)(void *owner), void *owner)
{
    assert(keeper->held == 0);
    keeper->is_closing = true;
    keeper->closed = closed;
    keeper->close_owner = owner;
    deadline_disarm(&keeper->wait);
    if (!keeper->is_asking) {
        loop_call_later(keeper->loop, &keeper->close, finish_close, keeper);
    }
}

void lease_keeper_hold(struct lease_keeper *keeper, struct lease_hold *hold, const struct queue_lease *lease,
                       void (*on_lost)(void *owner), void *owner)
{
    *hold = (struct lease_hold){.lease = *lease, .on_lost = on_lost, .owner = owner};
    list_init(&hold->link);
    list_append(&keeper->holds, &hold->link);
    keeper->held++;
}

void lease_keeper_release(struct lease_keeper *keeper, struct lease_hold *hold)
{
    if (list_is_empty(&hold->link)) {
        return;
    }
    list_remove(&hold->link);
    keeper->held--;
    if (hold->is_asked) {
        keeper->round[hold->place] = NULL;
        hold->is_asked = false;
    }
}
