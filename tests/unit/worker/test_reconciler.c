// SPDX-License-Identifier: Apache-2.0
/* Queue, database and breaker are this test's: what it defines, the linker leaves out of the libraries. */
#include "worker/reconciler.h"

#include "common/base/arena.h"
#include "common/db/db_control.h"
#include "common/db/db_image.h"
#include "common/net/loop.h"
#include "common/queue/queue.h"
#include "tests/support/await.h"
#include "worker/breaker.h"
#include "worker/metrics.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { IMAGES = 2500, LEASE_MS = 50 };

/* One call is under way at a time. */
struct call {
    struct loop *loop;
    struct loop_later later;
    done_fn done;
    void *owner;
    struct err err;
};

static void answer(void *owner)
{
    struct call *call = owner;
    call->done(call->owner, call->err.code == ERR_NONE ? NULL : &call->err);
}

static void answer_later(struct call *call, bool is_failure, done_fn done, void *owner)
{
    call->err = (struct err){.code = ERR_NONE};
    if (is_failure) {
        err_set(&call->err, ERR_QUEUE, "away");
    }
    call->done = done;
    call->owner = owner;
    loop_call_later(call->loop, &call->later, answer, call);
}

struct queue {
    struct call call;
    bool is_ours;
    bool is_rebuild;
    int64_t after;
    int asks;
    int fails;     /* pushes that fail yet */
    int lose_mark; /* this mark finds the sweep lost; 1: the first */
    int marks;
    int done_marks;
    int last_marks; /* that a sweep is at its end */
    bool is_paused;
    int pauses;
    int pushes;
    int pushed[IMAGES + 1]; /* by image */
    struct job jobs[IMAGES + 1];
};

struct db {
    struct call call;
    struct queue *queue;
    bool is_paused;
    bool changes_pause; /* after it was read */
    int reads;
    int lists;
    int64_t idle_ms;
    int64_t images;
};

void queue_sweep(struct queue *queue, const char *holder, uint64_t hold_ms, struct queue_sweep *sweep,
                 done_fn done, void *owner)
{
    assert(strcmp(holder, "me") == 0 && hold_ms >= LEASE_MS);
    queue->asks++;
    *sweep = (struct queue_sweep){
        .is_ours = queue->is_ours, .is_rebuild = queue->is_rebuild, .after = queue->after};
    answer_later(&queue->call, false, done, owner);
}

void queue_sweep_mark(struct queue *queue, const char *holder, int64_t after, bool is_done, uint64_t hold_ms,
                      bool *is_held, done_fn done, void *owner)
{
    assert(strcmp(holder, "me") == 0 && hold_ms >= LEASE_MS);
    queue->marks++;
    *is_held = queue->marks != queue->lose_mark;
    if (*is_held) {
        queue->after = after;
        queue->last_marks += after == 0;
        queue->done_marks += is_done;
        queue->is_rebuild = queue->is_rebuild && !is_done;
    } else {
        queue->after = 0;
    }
    answer_later(&queue->call, false, done, owner);
}

void queue_set_paused(struct queue *queue, bool is_paused, done_fn done, void *owner)
{
    queue->is_paused = is_paused;
    queue->pauses++;
    answer_later(&queue->call, false, done, owner);
}

void queue_push_many(struct queue *queue, const struct queue_pushing *jobs, size_t count, size_t *added,
                     done_fn done, void *owner)
{
    bool is_failure = queue->fails > 0;
    assert(count > 0 && count <= QUEUE_PUSH_MAX && queue->pauses > 0);
    queue->pushes++;
    queue->fails -= is_failure;
    *added = 0;
    for (size_t i = 0; i < count && !is_failure; i++) {
        *added += queue->pushed[jobs[i].job.image]++ == 0;
        queue->jobs[jobs[i].job.image] = jobs[i].job;
    }
    answer_later(&queue->call, is_failure, done, owner);
}

void db_control_get(struct db *db, struct db_control *out, done_fn done, void *owner)
{
    out->is_paused = db->is_paused;
    db->reads++;
    if (db->changes_pause) {
        db->changes_pause = false;
        db->is_paused = !db->is_paused;
    }
    answer_later(&db->call, false, done, owner);
}

void db_image_list_owed(struct db *db, struct arena *arena, int64_t after_id, int64_t idle_ms, size_t limit,
                        struct db_image_owed **out, size_t *count, done_fn done, void *owner)
{
    size_t left = (size_t)(db->images - after_id);
    assert(after_id >= 0 && after_id <= db->images);
    db->lists++;
    db->idle_ms = idle_ms;
    *count = left < limit ? left : limit;
    *out = arena_alloc(arena, *count * sizeof **out);
    for (size_t i = 0; i < *count; i++) {
        int64_t id = after_id + 1 + (int64_t)i;
        (*out)[i] = (struct db_image_owed){
            .id = id, .generation = 3, .key = 7, .class = (enum job_class)(id % 3), .is_refinement = id == 9};
    }
    answer_later(&db->call, false, done, owner);
}

bool breaker_is_open(const struct breaker *breaker)
{
    return *(const bool *)(const void *)breaker;
}

struct fixture {
    struct loop *loop;
    struct queue queue;
    struct db db;
    struct parts parts;
    struct worker_metrics metrics; /* none: nothing is counted */
    bool is_away;
    struct reconciler *reconciler;
    int closed;
};

static void open_reconciler_on(struct fixture *fixture, struct loop *loop)
{
    fixture->loop = loop;
    fixture->queue.call.loop = fixture->loop;
    fixture->db.call.loop = fixture->loop;
    fixture->parts = (struct parts){.loop = fixture->loop,
                                    .db = &fixture->db,
                                    .queue = &fixture->queue,
                                    .database_breaker = (struct breaker *)(void *)&fixture->is_away,
                                    .lease_ms = LEASE_MS,
                                    .metrics = &fixture->metrics,
                                    .holder = "me"};
    fixture->reconciler = reconciler_open(&fixture->parts);
}

static void open_reconciler(struct fixture *fixture)
{
    open_reconciler_on(fixture, loop_new(NULL));
}

static void close_reconciler(struct fixture *fixture)
{
    reconciler_close(fixture->reconciler, await_count, &fixture->closed);
    loop_run(fixture->loop);
    assert_int_equal(fixture->closed, 1);
    loop_free(fixture->loop);
}

static void a_rebuild_pushes_all_that_is_owed_once(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.is_ours = true, .is_rebuild = true}, .db = {.images = IMAGES}};
    open_reconciler(&fixture);
    assert_true(await_reached(fixture.loop, &fixture.queue.done_marks, 1));
    for (int64_t i = 1; i <= IMAGES; i++) {
        const struct job *job = &fixture.queue.jobs[i];
        assert_int_equal(fixture.queue.pushed[i], 1);
        assert_int_equal(job->generation, 3);
        assert_int_equal(job->type, i == 9 ? JOB_REFINE : JOB_PROCESS);
        /* what was high is not in the way of live uploads */
        assert_int_equal(job->class, i == 9 || i % 3 == JOB_LOW ? JOB_LOW : JOB_NORMAL);
    }
    assert_int_equal(fixture.db.idle_ms, 0);
    assert_int_equal(fixture.queue.marks, 3);
    close_reconciler(&fixture);
}

static void a_rebuild_goes_on_where_another_died(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.is_ours = true, .is_rebuild = true, .after = 2000},
                              .db = {.images = IMAGES}};
    open_reconciler(&fixture);
    assert_true(await_reached(fixture.loop, &fixture.queue.done_marks, 1));
    assert_int_equal(fixture.queue.pushed[2000], 0);
    assert_int_equal(fixture.queue.pushed[2001], 1);
    assert_int_equal(fixture.queue.pushed[IMAGES], 1);
    close_reconciler(&fixture);
}

static void a_page_whose_push_fails_is_repeated(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.is_ours = true, .is_rebuild = true, .fails = 2},
                              .db = {.images = IMAGES}};
    open_reconciler(&fixture);
    assert_true(await_reached(fixture.loop, &fixture.queue.done_marks, 1));
    for (int64_t i = 1; i <= IMAGES; i++) {
        assert_true(fixture.queue.pushed[i] >= 1);
    }
    close_reconciler(&fixture);
}

static void a_sweep_that_was_lost_is_asked_for_anew(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.is_ours = true, .is_rebuild = true, .lose_mark = 2},
                              .db = {.images = IMAGES}};
    open_reconciler(&fixture);
    assert_true(await_reached(fixture.loop, &fixture.queue.done_marks, 1));
    assert_int_equal(fixture.queue.pushed[1], 2);
    assert_int_equal(fixture.queue.pushed[IMAGES], 1);
    assert_int_equal(fixture.queue.asks, 2);
    close_reconciler(&fixture);
}

static void an_ordinary_sweep_keeps_classes_and_looks_at_idle_images(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.is_ours = true}, .db = {.images = 12}};
    open_reconciler(&fixture);
    assert_true(await_reached(fixture.loop, &fixture.queue.last_marks, 2));
    assert_int_equal(fixture.queue.jobs[3].class, JOB_HIGH);
    assert_int_equal(fixture.queue.jobs[4].class, JOB_NORMAL);
    assert_int_equal(fixture.queue.jobs[5].class, JOB_LOW);
    assert_int_equal(fixture.queue.jobs[9].class, JOB_LOW);
    assert_int_equal(fixture.db.idle_ms, 2 * LEASE_MS);
    assert_int_equal(fixture.queue.done_marks, 0);
    close_reconciler(&fixture);
}

/* One pushes all, the other finds all but the last pending, behind which a lost push stands: it is far ahead. */
static void a_long_backlog_hides_no_lost_push_for_long(void **state)
{
    (void)state;
    static struct fixture pushing = {.queue = {.is_ours = true}, .db = {.images = IMAGES}};
    static struct fixture passing = {.queue = {.is_ours = true}, .db = {.images = IMAGES}};
    for (int64_t i = 1; i < IMAGES; i++) {
        passing.queue.pushed[i] = 1;
    }
    open_reconciler(&pushing);
    open_reconciler_on(&passing, pushing.loop);
    assert_true(await_reached(passing.loop, &passing.queue.pushed[IMAGES], 1));
    assert_in_range(pushing.queue.pushes, 1, passing.queue.pushes - 1);
    reconciler_close(passing.reconciler, await_count, &passing.closed);
    assert_true(await_reached(passing.loop, &passing.closed, 1));
    close_reconciler(&pushing);
}

static void who_has_not_the_sweep_asks_and_does_nothing(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.is_ours = false, .is_rebuild = true}, .db = {.images = 12}};
    open_reconciler(&fixture);
    assert_true(await_reached(fixture.loop, &fixture.queue.asks, 3));
    assert_int_equal(fixture.db.lists + fixture.db.reads + fixture.queue.marks + fixture.queue.pauses, 0);
    close_reconciler(&fixture);
}

static void who_can_not_ask_the_database_leaves_the_sweep_to_others(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.is_ours = true, .is_rebuild = true}, .db = {.images = 12}};
    fixture.is_away = true;
    open_reconciler(&fixture);
    struct deadline back = {.place = 0};
    int rested = 0;
    deadline_arm(&back, fixture.loop, 20, await_count, &rested);
    assert_true(await_reached(fixture.loop, &rested, 1));
    assert_int_equal(fixture.queue.asks, 0);
    fixture.is_away = false;
    assert_true(await_reached(fixture.loop, &fixture.queue.done_marks, 1));
    close_reconciler(&fixture);
}

static void the_queue_ends_as_operators_want_it(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.is_ours = true, .is_rebuild = true},
                              .db = {.images = 1, .is_paused = true, .changes_pause = true}};
    open_reconciler(&fixture);
    assert_true(await_reached(fixture.loop, &fixture.queue.done_marks, 1));
    assert_int_equal(fixture.queue.pauses, 2);
    assert_false(fixture.queue.is_paused);
    close_reconciler(&fixture);
}

static void nothing_owed_is_an_epoch_too(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.is_ours = true, .is_rebuild = true}, .db = {.images = 0}};
    open_reconciler(&fixture);
    assert_true(await_reached(fixture.loop, &fixture.queue.done_marks, 1));
    assert_int_equal(fixture.queue.pushes, 0);
    close_reconciler(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rebuild_pushes_all_that_is_owed_once),
        cmocka_unit_test(a_rebuild_goes_on_where_another_died),
        cmocka_unit_test(a_page_whose_push_fails_is_repeated),
        cmocka_unit_test(a_sweep_that_was_lost_is_asked_for_anew),
        cmocka_unit_test(an_ordinary_sweep_keeps_classes_and_looks_at_idle_images),
        cmocka_unit_test(a_long_backlog_hides_no_lost_push_for_long),
        cmocka_unit_test(who_has_not_the_sweep_asks_and_does_nothing),
        cmocka_unit_test(who_can_not_ask_the_database_leaves_the_sweep_to_others),
        cmocka_unit_test(the_queue_ends_as_operators_want_it),
        cmocka_unit_test(nothing_owed_is_an_epoch_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
