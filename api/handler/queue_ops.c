// SPDX-License-Identifier: Apache-2.0
/*
 * What operators see of the queue, and that they may hold it. PostgreSQL is told first and remembers; Redis has a copy, which the
 * workers' reconciler brings where Redis is away now.
 */
#include "api/handler/queue_json.h"
#include "api/handler/service.h"
#include "api/http/response.h"
#include "api/route/answer.h"
#include "api/route/call.h"
#include "api/route/problem.h"
#include "common/base/arena.h"
#include "common/db/db_control.h"

/* One question or order; in the request's arena. */
struct queue_order {
    struct call *call;
    struct db_control control;
};

static struct queue_order *order_new(struct call *call)
{
    struct queue_order *order = arena_alloc(call->arena, sizeof *order);
    order->call = call;
    return order;
}

static void on_control(void *owner, const struct err *err)
{
    struct queue_order *order = owner;
    struct call *call = order->call;
    struct queue_sight sight;
    queue_view_look(call->service->queue_view, &sight);
    if (!sight.is_known) {
        problem_answer_code(call->request, ERR_QUEUE);
        return;
    }
    response_header(call->request, "Cache-Control", "no-store");
    /* without PostgreSQL what Redis goes by is the best that is known */
    answer_json(call->request, 200,
                queue_json(&sight, err == NULL ? order->control.is_paused : sight.stats.is_paused));
}

void queue_get(struct call *call)
{
    struct queue_order *order = order_new(call);
    db_control_get(call->service->db, &order->control, on_control, order);
}

static void on_queue_told(void *owner, const struct err *err)
{
    struct queue_order *order = owner;
    json_t *body = json_object();
    json_object_set_new(body, "paused", json_boolean(order->control.is_paused));
    json_object_set_new(body, "in_effect", json_boolean(err == NULL));
    if (err != NULL) {
        answer_note(order->call->request, err);
        json_object_set_new(body, "detail",
                            json_string("The queue can not be reached now. This is remembered, and a worker "
                                        "tells the queue as soon as it can."));
    }
    answer_json(order->call->request, err == NULL ? 200 : 202, body);
}

static void on_remembered(void *owner, const struct err *err)
{
    struct queue_order *order = owner;
    struct call *call = order->call;
    if (err != NULL) {
        problem_answer(call->request, err);
        return;
    }
    queue_set_paused(call->service->queue, order->control.is_paused, on_queue_told, order);
}

static void set_paused(struct call *call, bool is_paused)
{
    struct queue_order *order = order_new(call);
    order->control.is_paused = is_paused;
    db_control_set_paused(call->service->db, is_paused, on_remembered, order);
}

void queue_pause(struct call *call)
{
    set_paused(call, true);
}

void queue_resume(struct call *call)
{
    set_paused(call, false);
}
