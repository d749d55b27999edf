// SPDX-License-Identifier: Apache-2.0
#include "api/routes.h"

#include "api/handler/http_metrics.h"
#include "api/handler/service.h"
#include "api/http/cors.h"
#include "api/http/response.h"
#include "api/route/answer.h"
#include "api/route/auth.h"
#include "api/route/base_url.h"
#include "api/route/call.h"
#include "api/route/problem.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/config/config.h"

// clang-format off
/* THE table: all that is served. A path counts with and without its last slash; HEAD works wherever GET does. */
static const struct route routes[] = {
    {HTTP_GET_,    ROUTE_READ,    "/api/products/",                    product_list},
    {HTTP_POST_,   ROUTE_UPLOAD,  "/api/products/",                    product_create},
    {HTTP_GET_,    ROUTE_READ,    "/api/products/{slug}/",             product_get},
    {HTTP_GET_,    ROUTE_READ,    "/api/products/{slug}/images/",      image_list},
    {HTTP_POST_,   ROUTE_UPLOAD,  "/api/products/{slug}/images/",      upload_image},
    {HTTP_GET_,    ROUTE_READ,    "/api/products/{slug}/images/{id}/", image_get},
    {HTTP_GET_,    ROUTE_READ,    "/api/images/{id}/",                 image_get_any},
    {HTTP_POST_,   ROUTE_UPLOAD,  "/api/images/{id}/reprocess/",       image_reprocess},
    {HTTP_GET_,    ROUTE_OPERATE, "/api/queue/",                       queue_get},
    {HTTP_POST_,   ROUTE_OPERATE, "/api/queue/pause/",                 queue_pause},
    {HTTP_POST_,   ROUTE_OPERATE, "/api/queue/resume/",                queue_resume},
    {HTTP_GET_,    ROUTE_OPERATE, "/api/queue/dead/",                  dead_list},
    {HTTP_DELETE_, ROUTE_OPERATE, "/api/queue/dead/",                  dead_drop},
    {HTTP_POST_,   ROUTE_OPERATE, "/api/queue/dead/retry/",            dead_retry},
    {HTTP_DELETE_, ROUTE_OPERATE, "/api/queue/dead/{id}/",             dead_drop_one},
    {HTTP_POST_,   ROUTE_OPERATE, "/api/queue/dead/{id}/retry/",       dead_retry_one},
    {HTTP_GET_,    ROUTE_READ,    "/media/{name*}",                    media_get},
    {HTTP_GET_,    ROUTE_OPEN,    "/healthz",                          health_alive},
    {HTTP_GET_,    ROUTE_OPEN,    "/readyz",                           health_ready},
    {HTTP_GET_,    ROUTE_OPEN,    "/openapi.yaml",                     health_openapi},
    {HTTP_GET_,    ROUTE_OPEN,    "/metrics",                          metrics_get},
};
// clang-format on

static void on_answered(struct call *call, int status, int64_t body_bytes)
{
    http_metrics_end(call->service->http_metrics, call, status, body_bytes);
}

static struct call *call_new(struct service *service, struct request *request)
{
    struct call *call = arena_alloc(request_arena(request), sizeof(*call));
    call->service = service;
    call->request = request;
    call->arena = request_arena(request);
    call->started_us = clock_monotonic_us();
    call->base_url = base_url(request, service->config);
    trace_begin(request_header(request, "traceparent"), &call->trace);
    call->answered = on_answered;
    http_metrics_begin(service->http_metrics);
    request_set_context(request, call);
    return call;
}

static void add_field(struct request *request, const char *name, const char *value)
{
    if (value != NULL) {
        response_header(request, name, value);
    }
}

/* Adds what a browser must be told about other origins. True where the request asked for nothing else. */
static bool add_cors(struct call *call)
{
    struct request *request = call->request;
    struct cors_question question = {
        .origins = call->service->config->cors_origins,
        .origin = request_header(request, "Origin"),
        .request_method = request_header(request, "Access-Control-Request-Method"),
        .is_options = request_method(request) == HTTP_OPTIONS_,
    };
    struct cors_answer told = cors_decide(&question);
    add_field(request, "Access-Control-Allow-Origin", told.allow_origin);
    add_field(request, "Access-Control-Allow-Methods", told.allow_methods);
    add_field(request, "Access-Control-Allow-Headers", told.allow_headers);
    add_field(request, "Access-Control-Expose-Headers", told.expose_headers);
    add_field(request, "Access-Control-Max-Age", told.max_age);
    add_field(request, "Vary", told.vary);
    return told.is_preflight;
}

static void on_checked(void *owner, const struct err *err)
{
    struct call *call = owner;
    if (err != NULL) {
        problem_answer(call->request, err);
        return;
    }
    call->match.route->handle(call);
}

void routes_on_request(void *owner, struct request *request)
{
    struct service *service = owner;
    struct call *call = call_new(service, request);
    enum http_method method = request_method(request);
    bool is_preflight = add_cors(call);
    router_match(routes, sizeof(routes) / sizeof(routes[0]), call->arena, method, request_path(request),
                 &call->match);
    if (call->match.methods == 0) {
        problem_answer_code(request, ERR_NOT_FOUND);
    } else if (is_preflight) {
        answer(request, 204, NULL, NULL, 0);
    } else if (call->match.route == NULL) {
        response_header(request, "Allow", router_allow(call->arena, call->match.methods));
        if (method == HTTP_OPTIONS_) {
            answer(request, 204, NULL, NULL, 0);
        } else {
            problem_answer_code(request, ERR_METHOD_NOT_ALLOWED);
        }
    } else if (auth_needs_key(service->auth, call->match.route->access)) {
        auth_check(service->auth, request, call->match.route->access, &call->grant, on_checked, call);
    } else {
        call->match.route->handle(call);
    }
}

void routes_on_refusal(void *owner, struct request *request, const struct err *err)
{
    struct service *service = owner;
    http_metrics_refuse(service->http_metrics, err);
    problem_answer(request, err);
}
