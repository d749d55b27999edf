// SPDX-License-Identifier: Apache-2.0
/* The queue is this test's: queue_renew below stands in for the one of common/queue, which the linker then leaves out. */
#include "worker/lease_keeper.h"

#include "common/net/loop.h"
#include "tests/support/await.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { LEASES = 3 * QUEUE_TAKE_MAX + 1, LEASE_MS = 60 };

struct queue {
    struct loop *loop;
    struct loop_later later;
    done_fn done;
    void *owner;
    const struct queue_lease *leases;
    size_t count;
    bool *is_held;
    int calls;
    bool is_away;
    uint64_t lost_fence;      /* Redis does not know this one */
    int renewals[LEASES + 1]; /* by fence */
};

static void answer(void *owner)
{
    struct queue *queue = owner;
    struct err err;
    err_set(&err, ERR_QUEUE, "away");
    for (size_t i = 0; i < queue->count; i++) {
        queue->is_held[i] = queue->leases[i].fence != queue->lost_fence;
        queue->renewals[queue->leases[i].fence]++;
    }
    queue->calls++;
    queue->done(queue->owner, queue->is_away ? &err : NULL);
}

void queue_renew(struct queue *queue, const struct queue_lease *leases, size_t count, uint64_t lease_ms,
                 bool *is_held, done_fn done, void *owner)
{
    assert(lease_ms == LEASE_MS && count <= QUEUE_TAKE_MAX && count > 0);
    queue->leases = leases;
    queue->count = count;
    queue->is_held = is_held;
    queue->done = done;
    queue->owner = owner;
    loop_call_later(queue->loop, &queue->later, answer, queue);
}

struct holder {
    struct lease_hold hold;
    int losses;
};

struct fixture {
    struct queue queue;
    struct lease_keeper *keeper;
    struct holder holders[LEASES];
    int closed;
};

static void hold_all(struct fixture *fixture)
{
    *fixture = (struct fixture){.closed = 0};
    fixture->queue.loop = loop_new(NULL);
    fixture->keeper = lease_keeper_open(fixture->queue.loop, &fixture->queue, LEASE_MS);
    for (size_t i = 0; i < LEASES; i++) {
        struct queue_lease lease = {.fence = i + 1};
        lease_keeper_hold(fixture->keeper, &fixture->holders[i].hold, &lease, await_count,
                          &fixture->holders[i].losses);
    }
}

static void close_all(struct fixture *fixture)
{
    for (size_t i = 0; i < LEASES; i++) {
        lease_keeper_release(fixture->keeper, &fixture->holders[i].hold);
    }
    lease_keeper_close(fixture->keeper, await_count, &fixture->closed);
    loop_run(fixture->queue.loop);
    assert_int_equal(fixture->closed, 1);
    loop_free(fixture->queue.loop);
}

static void test_renews_every_lease_in_portions(void **state)
{
    (void)state;
    struct fixture fixture;
    hold_all(&fixture);
    assert_true(await_reached(fixture.queue.loop, &fixture.queue.calls, 4));
    for (size_t i = 1; i <= LEASES; i++) {
        assert_int_equal(fixture.queue.renewals[i], 1);
    }
    assert_true(await_reached(fixture.queue.loop, &fixture.queue.calls, 8));
    for (size_t i = 1; i <= LEASES; i++) {
        assert_int_equal(fixture.queue.renewals[i], 2);
    }
    close_all(&fixture);
}

static void test_tells_the_holder_of_a_lost_lease_once(void **state)
{
    (void)state;
    struct fixture fixture;
    hold_all(&fixture);
    fixture.queue.lost_fence = 2;
    assert_true(await_reached(fixture.queue.loop, &fixture.holders[1].losses, 1));
    int calls = fixture.queue.calls;
    assert_true(await_reached(fixture.queue.loop, &fixture.queue.calls, calls + 8));
    for (size_t i = 0; i < LEASES; i++) {
        assert_int_equal(fixture.holders[i].losses, i == 1);
    }
    assert_int_equal(fixture.queue.renewals[2], 1);
    close_all(&fixture);
}

/* Nobody took the job away: Redis just could not be asked. */
static void test_an_outage_loses_nothing_and_is_tried_again(void **state)
{
    (void)state;
    struct fixture fixture;
    hold_all(&fixture);
    fixture.queue.is_away = true;
    fixture.queue.lost_fence = 2;
    assert_true(await_reached(fixture.queue.loop, &fixture.queue.calls, 3));
    assert_int_equal(fixture.holders[1].losses, 0);
    fixture.queue.is_away = false;
    assert_true(await_reached(fixture.queue.loop, &fixture.holders[1].losses, 1));
    close_all(&fixture);
}

static void test_what_is_released_during_a_renewal_is_not_touched(void **state)
{
    (void)state;
    struct fixture fixture;
    hold_all(&fixture);
    fixture.queue.lost_fence = 1;
    while (!fixture.holders[0].hold.is_asked) {
        uv_run(loop_uv(fixture.queue.loop), UV_RUN_ONCE);
    }
    lease_keeper_release(fixture.keeper, &fixture.holders[0].hold);
    assert_true(await_reached(fixture.queue.loop, &fixture.queue.calls, 8));
    assert_int_equal(fixture.holders[0].losses, 0);
    close_all(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_renews_every_lease_in_portions),
        cmocka_unit_test(test_tells_the_holder_of_a_lost_lease_once),
        cmocka_unit_test(test_an_outage_loses_nothing_and_is_tried_again),
        cmocka_unit_test(test_what_is_released_during_a_renewal_is_not_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
