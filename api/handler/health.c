// SPDX-License-Identifier: Apache-2.0
/*
 * What probes and tools ask: alive, ready, and the contract in machine-readable form.
 */
#include "api/handler/service.h"
#include "api/http/response.h"
#include "api/route/answer.h"
#include "api/route/call.h"
#include "common/base/arena.h"
#include "common/db/db.h"
#include "common/net/redis.h"
#include "common/storage/storage.h"

#include <jansson.h>

/* One question for readiness; in the request's arena. */
struct ready {
    struct call *call;
    int pending;
    bool is_db_up;
    bool is_storage_up;
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
static void ready_finish(struct ready *ready)
{
    bool is_ready = ready->is_db_up && ready->is_storage_up && !ready->call->service->is_stopping;
    bool is_queue_up = redis_is_up(ready->call->service->redis);
    json_t *body = json_object();
    json_object_set_new(body, "status", json_string(!is_ready ? "unready" : is_queue_up ? "ok" : "degraded"));
    json_object_set_new(body, "database", up_or_down(ready->is_db_up));
    json_object_set_new(body, "storage", up_or_down(ready->is_storage_up));
    json_object_set_new(body, "queue", up_or_down(is_queue_up));
    if (!is_ready) {
        response_header(ready->call->request, "Retry-After", "5");
    }
    response_header(ready->call->request, "Cache-Control", "no-store");
    answer_json(ready->call->request, is_ready ? 200 : 503, body);
}

static void on_db(void *owner, const struct err *err)
{
    struct ready *ready = owner;
    ready->is_db_up = err == NULL;
    if (--ready->pending == 0) {
        ready_finish(ready);
    }
}

static void on_storage(void *owner, const struct err *err)
{
    struct ready *ready = owner;
    ready->is_storage_up = err == NULL;
    if (--ready->pending == 0) {
        ready_finish(ready);
    }
}

void health_ready(struct call *call)
{
    struct ready *ready = arena_alloc(call->arena, sizeof(*ready));
    ready->call = call;
    ready->pending = 2;
    db_check(call->service->db, on_db, ready);
    storage_check(call->service->storage, on_storage, ready);
}
