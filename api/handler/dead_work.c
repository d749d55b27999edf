// SPDX-License-Identifier: Apache-2.0
/*
 * Dead letters are retried or dropped, one or all that a filter means, in portions until none is left or the time is over.
 *
 *     BODY ─► TAKE ─► JUDGE ─► PUSH ─► OVER
 *              ▲        │      │ ▲│      ▲
 *              │        │      └─┘│      │
 *              └────────┼─────────┘      │
 *                       └─ none left ────┘
 *
 * BODY   reads the filter of a request whose body has it
 * TAKE   asks the database for the next portion
 * JUDGE  counts it
 * PUSH   tells the queue of those that are owed again, some at a time; once that fails no more: the reconciler brings them
 */
#include "api/handler/dead_filter.h"
#include "api/handler/json_body.h"
#include "api/handler/service.h"
#include "api/http/request.h"
#include "api/route/answer.h"
#include "api/route/params.h"
#include "api/route/problem.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/queue/queue.h"

#include <string.h>

enum { WORK_US = 5000000 }; /* after which a client is told that there is more, instead of made to wait */

enum dead_state { DEAD_BODY, DEAD_TAKE, DEAD_JUDGE, DEAD_PUSH, DEAD_OVER };

/* One order; in the request's arena. */
struct dead_work {
    enum dead_state state;
    int pending;
    bool is_stepping;
    struct err err; /* of the last call; ERR_NONE: it went well */
    struct call *call;
    struct db_dead_filter filter;
    json_t *body;   /* owned until it is read */
    json_t *errors; /* of the filter; owned until it is answered */
    bool is_retry;  /* else they are dropped */
    bool is_one;
    uint64_t until_us;
    struct db_dead_retried *retried; /* DB_DEAD_PORTION places */
    size_t retried_count;
    size_t taken;                  /* of this portion */
    size_t at;                     /* of retried: the next to push */
    struct queue_pushing *pushing; /* QUEUE_PUSH_MAX places */
    size_t pushing_count;
    size_t added;
    bool is_queue_away;
    bool has_more;
    json_int_t total;
    json_int_t queued;
};

static void dead_step(struct dead_work *work);

static void on_done(void *owner, const struct err *err)
{
    struct dead_work *work = owner;
    work->pending--;
    work->err = err != NULL ? *err : (struct err){.code = ERR_NONE};
    dead_step(work);
}

static enum dead_state do_body(struct dead_work *work)
{
    if (work->err.code != ERR_NONE) {
        return DEAD_OVER;
    }
    int failed = dead_filter_of_json(work->call->arena, work->body, &work->filter, &work->errors, &work->err);
    json_decref(work->body);
    work->body = NULL;
    return failed ? DEAD_OVER : DEAD_TAKE;
}

static enum dead_state do_take(struct dead_work *work)
{
    struct db *db = work->call->service->db;
    work->has_more = true;
    work->pending++;
    if (work->is_retry) {
        db_dead_retry(db, &work->filter, work->retried, &work->retried_count, &work->taken, on_done, work);
    } else {
        db_dead_drop(db, &work->filter, &work->taken, on_done, work);
    }
    return DEAD_JUDGE;
}

static enum dead_state do_judge(struct dead_work *work)
{
    if (work->err.code != ERR_NONE) {
        return DEAD_OVER;
    }
    failpoint("dead.taken");
    work->total += (json_int_t)work->taken;
    work->has_more = work->taken > 0 && !work->is_one;
    work->at = 0;
    work->pushing_count = 0;
    return work->taken > 0 ? DEAD_PUSH : DEAD_OVER;
}

static struct queue_pushing pushing_of(const struct dead_work *work, const struct db_dead_retried *retried)
{
    struct queue_pushing pushing = {.job = {.type = JOB_PROCESS,
                                            .image = retried->image,
                                            .generation = retried->generation,
                                            .class = retried->class,
                                            .enqueued_at_ms = clock_wall_us() / 1000},
                                    .uploader = retried->key};
    trace_write(&work->call->trace, pushing.job.trace);
    return pushing;
}

/* What the push before this one told of is counted first. */
static enum dead_state do_push(struct dead_work *work)
{
    if (work->err.code != ERR_NONE) {
        log_warn("jobs could not be pushed and wait for the reconciler",
                 log_text("request", request_id(work->call->request)), log_err(&work->err));
        work->is_queue_away = true;
        work->err.code = ERR_NONE;
    } else {
        work->queued += (json_int_t)work->pushing_count;
    }
    work->pushing_count = 0;
    if (!work->is_retry || work->is_queue_away || work->at == work->retried_count) {
        return work->has_more && clock_monotonic_us() < work->until_us ? DEAD_TAKE : DEAD_OVER;
    }
    while (work->at < work->retried_count && work->pushing_count < QUEUE_PUSH_MAX) {
        work->pushing[work->pushing_count++] = pushing_of(work, &work->retried[work->at++]);
    }
    work->pending++;
    queue_push_many(work->call->service->queue, work->pushing, work->pushing_count, &work->added, on_done,
                    work);
    return DEAD_PUSH;
}

static json_t *told(const struct dead_work *work)
{
    json_t *body = json_object();
    json_object_set_new(body, work->is_retry ? "retried" : "dropped", json_integer(work->total));
    if (work->is_retry) {
        json_object_set_new(body, "queued", json_integer(work->queued));
    }
    json_object_set_new(body, "more", json_boolean(work->has_more));
    return body;
}

/* The only end. What was done before something failed is told: it stays done. */
static void dead_finish(struct dead_work *work)
{
    struct request *request = work->call->request;
    if (work->err.code != ERR_NONE && work->total == 0) {
        problem_answer_fields(request, &work->err, work->errors);
        return;
    }
    if (work->err.code != ERR_NONE) {
        answer_note(request, &work->err);
    }
    if (work->is_one && work->total == 0) {
        problem_answer_code(request, ERR_NOT_FOUND);
    } else if (work->is_one && !work->is_retry) {
        answer(request, 204, NULL, NULL, 0);
    } else {
        answer_json(request, work->is_one ? 202 : 200, told(work));
    }
}

static enum dead_state (*const states[])(struct dead_work *work) = {
    [DEAD_BODY] = do_body,
    [DEAD_TAKE] = do_take,
    [DEAD_JUDGE] = do_judge,
    [DEAD_PUSH] = do_push,
};

/* The only writer of the state. Each call that is waited for has a deadline of its own. */
static void dead_set_state(struct dead_work *work, enum dead_state state)
{
    work->state = state;
}

static void dead_step(struct dead_work *work)
{
    if (work->is_stepping) {
        return;
    }
    work->is_stepping = true;
    while (work->pending == 0 && work->state != DEAD_OVER) {
        dead_set_state(work, states[work->state](work));
    }
    work->is_stepping = false;
    if (work->pending == 0) {
        dead_finish(work);
    }
}

static struct dead_work *work_new(struct call *call, bool is_retry)
{
    struct dead_work *work = arena_alloc(call->arena, sizeof *work);
    work->call = call;
    work->is_retry = is_retry;
    work->until_us = clock_monotonic_us() + WORK_US;
    work->state = DEAD_TAKE;
    if (is_retry) {
        work->retried = arena_alloc(call->arena, DB_DEAD_PORTION * sizeof *work->retried);
        work->pushing = arena_alloc(call->arena, QUEUE_PUSH_MAX * sizeof *work->pushing);
    }
    return work;
}

static void work_on_one(struct call *call, bool is_retry)
{
    struct err err;
    int64_t *id = arena_alloc(call->arena, sizeof *id);
    if (params_id(call, "id", id, &err)) {
        problem_answer(call->request, &err);
        return;
    }
    struct dead_work *work = work_new(call, is_retry);
    work->is_one = true;
    work->filter = (struct db_dead_filter){.ids = id, .id_count = 1};
    dead_step(work);
}

void dead_retry_one(struct call *call)
{
    work_on_one(call, true);
}

void dead_drop_one(struct call *call)
{
    work_on_one(call, false);
}

void dead_retry(struct call *call)
{
    struct dead_work *work = work_new(call, true);
    work->state = DEAD_BODY;
    work->pending++;
    json_body_read(call, &work->body, on_done, work);
}

/* Nothing that was dropped comes back, so that all must be asked for in so many words. */
void dead_drop(struct call *call)
{
    static const char *const others[] = {"all", NULL};
    struct dead_work *work = work_new(call, false);
    const char *all = params_query(call, "all");
    bool is_all = false;
    if (all != NULL && params_bool_of_text(all, &is_all)) {
        problem_add(&work->errors, "all", "Must be a valid boolean.");
    }
    if (dead_filter_of_query(call->arena, request_query(call->request), others, &work->filter, &work->errors,
                             &work->err) == 0 &&
        dead_filter_is_all(&work->filter) == is_all) {
        dead_step(work);
        return;
    }
    if (work->errors == NULL) {
        problem_add(&work->errors, "all", "Either a filter is required, or all=true.");
        (void)err_set(&work->err, ERR_INVALID, "no filter, or one beside all");
    }
    problem_answer_fields(call->request, &work->err, work->errors);
}
