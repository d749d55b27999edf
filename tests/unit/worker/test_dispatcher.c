// SPDX-License-Identifier: Apache-2.0
/* Queue, codecs, breakers and runs are this test's: what it defines, the linker leaves out of the libraries. */
#include "worker/dispatcher.h"

#include "common/base/alloc.h"
#include "common/net/loop.h"
#include "common/queue/queue.h"
#include "tests/support/await.h"
#include "worker/breaker.h"
#include "worker/codec_pool.h"
#include "worker/job_run.h"
#include "worker/metrics.h"
#include "worker/parts.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

enum { JOBS = 2, GRACE_MS = 600000 };

/* One call is under way at a time; it answers when the test says so. */
struct queue {
    struct loop *loop;
    done_fn done;
    void *owner;
    struct queue_taken *taken;
    size_t *count;
    int takes;
    int waits;
    int give_backs;
    size_t given_back;
    uint64_t fences; /* of what was given back, added up */
};

static void ask(struct queue *queue, done_fn done, void *owner)
{
    assert(queue->done == NULL);
    queue->done = done;
    queue->owner = owner;
}

static void answer(struct queue *queue)
{
    done_fn done = queue->done;
    assert(done != NULL);
    queue->done = NULL;
    done(queue->owner, NULL);
}

void queue_take(struct queue *queue, size_t most, uint64_t lease_ms, struct queue_taken *taken, size_t *count,
                done_fn done, void *owner)
{
    (void)lease_ms;
    assert(most >= JOBS);
    queue->taken = taken;
    queue->count = count;
    queue->takes++;
    ask(queue, done, owner);
}

void queue_wait(struct queue *queue, uint64_t timeout_ms, done_fn done, void *owner)
{
    (void)timeout_ms;
    queue->waits++;
    ask(queue, done, owner);
}

void queue_give_back(struct queue *queue, const struct queue_lease *leases, size_t count, done_fn done,
                     void *owner)
{
    queue->give_backs++;
    queue->given_back += count;
    for (size_t i = 0; i < count; i++) {
        queue->fences += leases[i].fence;
    }
    ask(queue, done, owner);
}

size_t codec_pool_live(const struct codec_pool *pool)
{
    (void)pool;
    return 1;
}

bool codec_pool_is_broken(const struct codec_pool *pool)
{
    (void)pool;
    return false;
}

bool breaker_is_open(const struct breaker *breaker)
{
    (void)breaker;
    return false;
}

struct job_run {
    struct list link;
    const struct job_run_events *events;
    void *owner;
    struct queue_lease lease;
    bool is_late;
};

static struct job_run *runs[JOBS];
static size_t run_count;
static int drain_count;

struct job_run *job_run_start(const struct parts *parts, const struct queue_taken *taken,
                              const struct job_run_events *events, void *owner)
{
    struct job_run *run = alloc_zeroed(1, sizeof *run);
    (void)parts;
    list_init(&run->link);
    run->lease = taken->lease;
    run->events = events;
    run->owner = owner;
    assert(run_count < JOBS);
    runs[run_count++] = run;
    return run;
}

struct list *job_run_link(struct job_run *run)
{
    return &run->link;
}

struct job_run *job_run_of_link(struct list *link)
{
    return list_owner(link, struct job_run, link);
}

bool job_run_needs_codec(const struct job_run *run)
{
    (void)run;
    return true;
}

bool job_run_is_late(const struct job_run *run)
{
    return run->is_late;
}

const char *job_run_name(const struct job_run *run)
{
    return run->lease.id;
}

void job_run_drain(struct job_run *run)
{
    (void)run;
    drain_count++;
}

void job_run_stop(struct job_run *run)
{
    (void)run;
}

static void end_run(struct job_run *run)
{
    list_remove(&run->link);
    run->events->on_codec_free(run->owner);
    run->events->on_end(run->owner, run);
    free(run);
}

struct fixture {
    struct loop *loop;
    struct queue queue;
    struct parts parts;
    struct worker_metrics metrics; /* none: nothing is counted */
    struct dispatcher *dispatcher;
    int stopped;
};

static void open_dispatcher(struct fixture *fixture)
{
    *fixture = (struct fixture){.stopped = 0};
    run_count = 0;
    drain_count = 0;
    fixture->loop = loop_new(NULL);
    fixture->parts = (struct parts){
        .loop = fixture->loop, .queue = &fixture->queue, .metrics = &fixture->metrics, .lease_ms = 1000};
    fixture->dispatcher = dispatcher_open(&fixture->parts);
    dispatcher_wake(fixture->dispatcher);
    assert_int_equal(fixture->queue.takes, 1);
}

static void answer_take(struct fixture *fixture, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fixture->queue.taken[i] = (struct queue_taken){.lease.fence = 100 + i, .is_known = true};
        snprintf(fixture->queue.taken[i].lease.id, JOB_ID_BYTES, "%zu.1", i + 1);
    }
    *fixture->queue.count = count;
    answer(&fixture->queue);
}

static void stop_dispatcher(struct fixture *fixture)
{
    dispatcher_stop(fixture->dispatcher, GRACE_MS, await_count, &fixture->stopped);
    assert_int_equal(fixture->stopped, 0);
}

static void close_dispatcher(struct fixture *fixture)
{
    loop_run(fixture->loop);
    assert_int_equal(fixture->stopped, 1);
    dispatcher_free(fixture->dispatcher);
    loop_free(fixture->loop);
}

static void test_takes_no_more_than_codecs_will_start_soon(void **state)
{
    (void)state;
    assert_int_equal(dispatcher_room(0), 0);
    assert_int_equal(dispatcher_room(1), 2);
    assert_int_equal(dispatcher_room(2), 3);
    assert_int_equal(dispatcher_room(8), 12);
}

static void test_what_a_take_brings_after_the_stop_is_given_back_unbegun(void **state)
{
    (void)state;
    struct fixture fixture;
    open_dispatcher(&fixture);
    stop_dispatcher(&fixture);
    answer_take(&fixture, JOBS);
    assert_int_equal(run_count, 0);
    assert_int_equal(fixture.queue.give_backs, 1);
    assert_int_equal(fixture.queue.given_back, JOBS);
    assert_int_equal(fixture.queue.fences, 100 + 101);
    assert_int_equal(fixture.stopped, 0);
    answer(&fixture.queue);
    close_dispatcher(&fixture);
    assert_int_equal(fixture.queue.takes, 1);
}

static void test_a_take_of_nothing_after_the_stop_ends_it(void **state)
{
    (void)state;
    struct fixture fixture;
    open_dispatcher(&fixture);
    stop_dispatcher(&fixture);
    answer_take(&fixture, 0);
    close_dispatcher(&fixture);
    assert_int_equal(fixture.queue.give_backs, 0);
    assert_int_equal(fixture.queue.waits, 0);
}

static void test_a_stop_waits_for_runs_and_takes_no_more(void **state)
{
    (void)state;
    struct fixture fixture;
    open_dispatcher(&fixture);
    answer_take(&fixture, JOBS);
    assert_int_equal(run_count, JOBS);
    struct dispatcher_status status = dispatcher_status(fixture.dispatcher);
    assert_int_equal(status.in_hand, JOBS);
    assert_int_equal(status.taken, JOBS);
    const char *names[JOBS + 1];
    assert_int_equal(dispatcher_jobs(fixture.dispatcher, names, 1), 1);
    assert_string_equal(names[0], "1.1");
    assert_int_equal(dispatcher_jobs(fixture.dispatcher, names, JOBS + 1), JOBS);
    assert_string_equal(names[1], "2.1");
    stop_dispatcher(&fixture);
    assert_int_equal(drain_count, JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(fixture.stopped, 0);
        end_run(runs[i]);
    }
    close_dispatcher(&fixture);
    assert_int_equal(fixture.queue.takes, 1);
}

static void test_takes_nothing_while_the_disk_does_not_answer_for_a_run(void **state)
{
    (void)state;
    struct fixture fixture;
    open_dispatcher(&fixture);
    answer_take(&fixture, JOBS);
    runs[0]->is_late = true;
    end_run(runs[1]);
    dispatcher_wake(fixture.dispatcher);
    assert_int_equal(fixture.queue.takes, 1);
    assert_int_equal(fixture.queue.waits, 0);
    end_run(runs[0]);
    assert_int_equal(fixture.queue.takes, 2);
    stop_dispatcher(&fixture);
    answer_take(&fixture, 0);
    close_dispatcher(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_no_more_than_codecs_will_start_soon),
        cmocka_unit_test(test_takes_nothing_while_the_disk_does_not_answer_for_a_run),
        cmocka_unit_test(test_what_a_take_brings_after_the_stop_is_given_back_unbegun),
        cmocka_unit_test(test_a_take_of_nothing_after_the_stop_ends_it),
        cmocka_unit_test(test_a_stop_waits_for_runs_and_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
