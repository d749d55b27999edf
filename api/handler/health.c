// SPDX-License-Identifier: Apache-2.0
/*
 * What probes and tools ask: alive, ready, and the contract in machine-readable form.
 */
#include "api/handler/readiness.h"
#include "api/handler/service.h"
#include "api/http/response.h"
#include "api/route/answer.h"
#include "api/route/call.h"
#include "common/base/arena.h"
#include "common/net/redis.h"

#include <jansson.h>

/* One question for readiness; in the request's arena. */
struct ready {
    struct call *call;
    struct readiness_probe probe;
};

void health_alive(struct call *call)
{
    json_t *body = json_object();
    json_object_set_new(body, "status", json_string("ok"));
    json_object_set_new(body, "version", json_string(PIXMILL_VERSION));
    answer_json(call->request, 200, body);
}

void health_openapi(struct call *call)
{
    answer(call->request, 200, "application/yaml", call->service->openapi, call->service->openapi_bytes);
}

static json_t *up_or_down(bool is_up)
{
    return json_string(is_up ? "up" : "down");
}

/* Without the queue uploads are still taken: a worker's reconciler brings them to it later. */
static void on_ready(void *owner)
{
    struct ready *ready = owner;
    struct call *call = ready->call;
    const bool *is_up = ready->probe.is_up;
    bool is_ready = is_up[READINESS_DATABASE] && is_up[READINESS_STORAGE] && !call->service->is_stopping;
    bool is_queue_up = redis_is_up(call->service->redis);
    json_t *body = json_object();
    json_object_set_new(body, "status", json_string(!is_ready ? "unready" : is_queue_up ? "ok" : "degraded"));
    json_object_set_new(body, "database", up_or_down(is_up[READINESS_DATABASE]));
    json_object_set_new(body, "storage", up_or_down(is_up[READINESS_STORAGE]));
    json_object_set_new(body, "queue", up_or_down(is_queue_up));
    if (!is_ready) {
        response_header(call->request, "Retry-After", "5");
    }
    response_header(call->request, "Cache-Control", "no-store");
    answer_json(call->request, is_ready ? 200 : 503, body);
}

void health_ready(struct call *call)
{
    struct ready *ready = arena_alloc(call->arena, sizeof(*ready));
    ready->call = call;
    readiness_ask(call->service->readiness, &ready->probe, on_ready, ready);
}
