// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/queue_bench.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/db/db_image.h"
#include "worker/committer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PUSHES_IN_FLIGHT = 256, WAIT_MS = 1000, VARIANTS = 3 };

static struct job job_number(int64_t number)
{
    return (struct job){.type = JOB_PROCESS,
                        .image = number,
                        .generation = 1,
                        .class = JOB_HIGH,
                        .enqueued_at_ms = clock_wall_us() / 1000,
                        .trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};
}

/* ---- push ---- */

struct pusher {
    struct queue_bench *bench;
    int64_t sent;
};

/* A call in flight. */
struct pushing {
    struct pusher *pusher;
    size_t count;
    size_t added;
};

static void on_pushed(void *owner, const struct err *err);

static void push_next(struct pushing *pushing)
{
    struct pusher *pusher = pushing->pusher;
    struct queue *queue = pusher->bench->queue;
    int64_t left = pusher->bench->jobs - pusher->sent;
    struct queue_pushing jobs[QUEUE_PUSH_MAX];
    pushing->count = (size_t)(left < pusher->bench->batch ? left : pusher->bench->batch);
    for (size_t i = 0; i < pushing->count; i++) {
        pusher->sent++;
        jobs[i] = (struct queue_pushing){job_number(pusher->sent), 1 + pusher->sent % 4};
    }
    if (pushing->count == 1) {
        pushing->added = 1;
        queue_push(queue, &jobs[0].job, jobs[0].uploader, 0, on_pushed, pushing);
    } else if (pushing->count > 0) {
        queue_push_many(queue, jobs, pushing->count, &pushing->added, on_pushed, pushing);
    }
}

static void on_pushed(void *owner, const struct err *err)
{
    struct pushing *pushing = owner;
    struct queue_bench *bench = pushing->pusher->bench;
    queue_bench_check(err);
    bench->done += (int64_t)pushing->count;
    bench->missed += (int64_t)(pushing->count - pushing->added);
    push_next(pushing);
}

void queue_bench_push(struct queue_bench *bench)
{
    struct pusher pusher = {.bench = bench};
    struct pushing pushings[PUSHES_IN_FLIGHT];
    for (int64_t i = 0; i < PUSHES_IN_FLIGHT / bench->batch; i++) {
        pushings[i] = (struct pushing){.pusher = &pusher};
        push_next(&pushings[i]);
    }
    while (bench->done < bench->jobs) {
        uv_run(loop_uv(bench->loop), UV_RUN_ONCE);
    }
}

/* ---- work ---- */

/* One job of a lane, in the hands of the database. */
struct settling {
    struct lane *lane;
    struct job job;
    struct db_image_work work;
    struct db_variant variants[VARIANTS];
    struct db_image_result result;
    bool is_current;
    struct commit commit;
    struct commit_finish finish;
};

/* A chain: take, settle each, finish all, again. */
struct lane {
    struct queue_bench *bench;
    struct arena *arena; /* of one round */
    struct queue_taken taken[QUEUE_TAKE_MAX];
    struct queue_lease leases[QUEUE_TAKE_MAX];
    struct settling settling[QUEUE_TAKE_MAX];
    size_t count;
    size_t unsettled;
};

static void lane_take(struct lane *lane);

static void lane_end_round(struct lane *lane)
{
    lane->bench->done += (int64_t)lane->count;
    arena_free(lane->arena);
    lane->arena = NULL;
    lane_take(lane);
}

static void on_finished(void *owner, const struct err *err)
{
    queue_bench_check(err);
    lane_end_round(owner);
}

static void lane_finish(struct lane *lane)
{
    queue_finish(lane->bench->queue, lane->leases, lane->count, on_finished, lane);
}

static void settled(struct settling *settling, bool is_good)
{
    struct lane *lane = settling->lane;
    lane->bench->missed += !is_good;
    if (--lane->unsettled == 0) {
        lane_finish(lane);
    }
}

static void on_ready(void *owner, const struct err *err)
{
    struct settling *settling = owner;
    queue_bench_check(err);
    settled(settling, settling->is_current);
}

static void fill_result(struct settling *settling)
{
    static const char *const names[] = {"thumbnail", "medium", "webp"};
    for (int i = 0; i < VARIANTS; i++) {
        settling->variants[i] = (struct db_variant){
            .name = names[i],
            .stored_name = arena_format(settling->lane->arena, "products/%s/%" PRId64 "-g%" PRId64 ".x",
                                        names[i], settling->job.image, settling->job.generation),
            .format = i < 2 ? IMAGE_JPEG : IMAGE_WEBP,
            .width_px = 200,
            .height_px = 150,
            .bytes = 12345};
    }
    settling->result = (struct db_image_result){.id = settling->job.image,
                                                .generation = settling->job.generation,
                                                .width_px = 4000,
                                                .height_px = 3000,
                                                .profile = "default",
                                                .variants = settling->variants,
                                                .variant_count = VARIANTS};
}

static void make_ready(struct settling *settling)
{
    fill_result(settling);
    db_image_ready(settling->lane->bench->db, &settling->result, &settling->is_current, on_ready, settling);
}

static void on_one_told(void *owner, const struct err *err)
{
    struct settling *settling = owner;
    struct lane *lane = settling->lane;
    queue_bench_check(err);
    if (--lane->unsettled == 0) {
        lane_end_round(lane);
    }
}

static void on_committed(void *owner, const struct err *err)
{
    struct settling *settling = owner;
    struct lane *lane = settling->lane;
    queue_bench_check(err);
    lane->bench->missed += !settling->commit.is_current;
    committer_finish(lane->bench->committer, &settling->finish, &lane->leases[settling - lane->settling],
                     on_one_told, settling);
}

/* The way of a worker's run: the row and the lease by the committer, each for itself. */
static void commit(struct settling *settling)
{
    fill_result(settling);
    committer_switch(settling->lane->bench->committer, &settling->commit, &settling->result, on_committed,
                     settling);
}

static void on_begun(void *owner, const struct err *err)
{
    struct settling *settling = owner;
    queue_bench_check(err);
    settling->lane->bench->missed += !settling->work.is_owed;
    if (settling->lane->bench->rows == BENCH_ROWS_BOTH) {
        make_ready(settling);
    } else {
        commit(settling);
    }
}

static void lane_settle(struct lane *lane)
{
    enum bench_rows rows = lane->bench->rows;
    lane->unsettled = lane->count;
    lane->arena = arena_new();
    for (size_t i = 0; i < lane->count; i++) {
        struct settling *settling = &lane->settling[i];
        *settling = (struct settling){.lane = lane, .job = lane->taken[i].job};
        if (rows == BENCH_ROWS_BOTH || rows == BENCH_ROWS_WORKER) {
            db_image_begin(lane->bench->db, lane->arena, settling->job.image, settling->job.generation,
                           lane->taken[i].lease.fence, &settling->work, on_begun, settling);
        } else if (rows == BENCH_ROWS_READY) {
            make_ready(settling);
        } else {
            commit(settling);
        }
    }
}

static void on_taken(void *owner, const struct err *err)
{
    struct lane *lane = owner;
    queue_bench_check(err);
    if (lane->count == 0) {
        /* what is left is in other lanes' hands */
        lane->bench->lanes_ended++;
        return;
    }
    for (size_t i = 0; i < lane->count; i++) {
        lane->leases[i] = lane->taken[i].lease;
        lane->bench->missed += !lane->taken[i].is_known;
    }
    if (lane->bench->rows == BENCH_ROWS_NONE) {
        lane_finish(lane);
    } else {
        lane_settle(lane);
    }
}

static void lane_take(struct lane *lane)
{
    queue_take(lane->bench->queue, (size_t)lane->bench->batch, BENCH_LEASE_MS, lane->taken, &lane->count,
               on_taken, lane);
}

static void on_closed(void *owner)
{
    int *closed = owner;
    (*closed)++;
}

void queue_bench_work(struct queue_bench *bench)
{
    struct lane *lanes = calloc((size_t)bench->lanes, sizeof *lanes);
    int closed = 0;
    if (lanes == NULL) {
        abort();
    }
    bench->committer = committer_open(bench->loop, bench->db, bench->queue);
    for (int64_t i = 0; i < bench->lanes; i++) {
        lanes[i].bench = bench;
        lane_take(&lanes[i]);
    }
    while (bench->lanes_ended < bench->lanes) {
        uv_run(loop_uv(bench->loop), UV_RUN_ONCE);
    }
    committer_close(bench->committer, on_closed, &closed);
    while (closed == 0) {
        uv_run(loop_uv(bench->loop), UV_RUN_ONCE);
    }
    bench->missed += bench->jobs - bench->done;
    free(lanes);
}

/* ---- latency ---- */

/* A worker with nothing to do, and somebody who uploads now and then over another connection. */
struct idler {
    struct queue_bench *bench;
    struct queue_taken taken;
    size_t count;
    int64_t pushed;
    uint64_t pushed_us;
    struct deadline next;
    int64_t *latency_us;
};

static void idler_wait(struct idler *idler);

static void on_push_answer(void *owner, const struct err *err)
{
    (void)owner;
    queue_bench_check(err);
}

static void on_time_to_push(void *owner)
{
    struct idler *idler = owner;
    struct job job = job_number(++idler->pushed);
    idler->pushed_us = clock_monotonic_us();
    queue_push(idler->bench->pushes_queue, &job, 1, 0, on_push_answer, idler);
}

static void on_one_finished(void *owner, const struct err *err)
{
    struct idler *idler = owner;
    queue_bench_check(err);
    if (++idler->bench->done < idler->bench->jobs) {
        deadline_arm(&idler->next, idler->bench->loop, (uint64_t)idler->bench->gap_ms, on_time_to_push,
                     idler);
        idler_wait(idler);
    }
}

static void on_one_taken(void *owner, const struct err *err)
{
    struct idler *idler = owner;
    queue_bench_check(err);
    if (idler->count == 0) {
        idler_wait(idler);
        return;
    }
    idler->latency_us[idler->bench->done] = (int64_t)(clock_monotonic_us() - idler->pushed_us);
    queue_finish(idler->bench->queue, &idler->taken.lease, 1, on_one_finished, idler);
}

static void on_woken(void *owner, const struct err *err)
{
    struct idler *idler = owner;
    queue_bench_check(err);
    queue_take(idler->bench->queue, 1, BENCH_LEASE_MS, &idler->taken, &idler->count, on_one_taken, idler);
}

static void idler_wait(struct idler *idler)
{
    queue_wait(idler->bench->queue, WAIT_MS, on_woken, idler);
}

void queue_bench_latency(struct queue_bench *bench, int64_t *latency_us)
{
    struct idler idler = {.bench = bench, .latency_us = latency_us};
    idler_wait(&idler);
    deadline_arm(&idler.next, bench->loop, (uint64_t)bench->gap_ms, on_time_to_push, &idler);
    while (bench->done < bench->jobs) {
        uv_run(loop_uv(bench->loop), UV_RUN_ONCE);
    }
}
