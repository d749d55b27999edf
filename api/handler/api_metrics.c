// SPDX-License-Identifier: Apache-2.0
#include "api/handler/api_metrics.h"

#include "api/handler/admission.h"
#include "api/handler/http_metrics.h"
#include "api/handler/queue_metrics.h"
#include "api/handler/service.h"
#include "api/http/listener.h"
#include "api/http/request.h"
#include "api/route/answer.h"
#include "api/route/call.h"
#include "api/route/problem.h"
#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/metric.h"
#include "common/config/config.h"
#include "common/db/db.h"
#include "common/net/loop_lag.h"
#include "common/net/redis.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 4 * 1024 * 1024 };

struct api_metrics {
    struct service *service; /* borrowed */
    struct metrics *registry;
    struct http_metrics *http; /* owned; the service points at it too */
    struct queue_metrics *queue;
    const struct listener *listener; /* borrowed; NULL: none */
    struct loop_lag lag;
    struct metric *lag_seconds;
    struct metric *connections;
    struct metric *uploads;
    struct metric *database_up;
    struct metric *redis_up;
};

static void on_late(void *owner, uint64_t away_us)
{
    (void)owner;
    log_warn("the loop was away", log_int("ms", (int64_t)(away_us / 1000)));
}

struct api_metrics *api_metrics_new(struct service *service)
{
    static const char up[] = "pixmill_dependency_up";
    static const char up_help[] = "1 where a connection stands.";
    struct api_metrics *metrics = alloc_zeroed(1, sizeof *metrics);
    struct metrics *registry = metrics_new();
    metrics->service = service;
    metrics->registry = registry;
    metric_set(metric_gauge(registry, "pixmill_build_info", "Which program this is, always 1.",
                            "program=\"pixmill-api\",version=\"" PIXMILL_VERSION "\""),
               1);
    metrics->lag_seconds =
        metric_gauge(registry, "pixmill_loop_lag_seconds",
                     "The longest time for which the event loop was away, since this was read last.", "");
    metrics->connections = metric_gauge(registry, "pixmill_http_connections", "Clients connected.", "");
    metrics->uploads = metric_gauge(registry, "pixmill_uploads_in_flight", "Uploads being taken in.", "");
    metrics->database_up = metric_gauge(registry, up, up_help, "dependency=\"postgresql\"");
    metrics->redis_up = metric_gauge(registry, up, up_help, "dependency=\"redis\"");
    metrics->http = http_metrics_new(registry);
    metrics->queue = queue_metrics_new(registry);
    service->http_metrics = metrics->http;
    loop_lag_start(&metrics->lag, service->loop, on_late, NULL);
    return metrics;
}

void api_metrics_watch(struct api_metrics *metrics, const struct listener *listener)
{
    metrics->listener = listener;
}

static void look(struct api_metrics *metrics)
{
    const struct service *service = metrics->service;
    metric_set(metrics->lag_seconds, (double)loop_lag_take_us(&metrics->lag) / 1e6);
    metric_set(metrics->connections,
               metrics->listener != NULL ? (double)listener_connections(metrics->listener) : 0);
    metric_set(metrics->uploads, (double)admission_uploads(service->admission));
    metric_set(metrics->database_up, db_is_up(service->db) ? 1 : 0);
    metric_set(metrics->redis_up, redis_is_up(service->redis) ? 1 : 0);
    queue_metrics_set(metrics->queue, service->queue_view);
}

static void answer_text(struct api_metrics *metrics, struct request *request)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES_MAX);
    look(metrics);
    if (metrics_write(metrics->registry, &text) != 0) {
        problem_answer_code(request, ERR_INTERNAL);
    } else {
        answer(request, 200, METRIC_CONTENT_TYPE, text.data, text.used);
    }
    buf_release(&text);
}

void metrics_get(struct call *call)
{
    if (call->service->config->metrics_listen[0] != '\0') {
        problem_answer_code(call->request, ERR_NOT_FOUND);
    } else {
        answer_text(call->service->metrics, call->request);
    }
}

/* A request of the listener of its own. */
static void on_request(void *owner, struct request *request)
{
    struct service *service = owner;
    enum http_method method = request_method(request);
    if (strcmp(request_path(request), "/metrics") != 0) {
        problem_answer_code(request, ERR_NOT_FOUND);
    } else if (method != HTTP_GET_ && method != HTTP_HEAD_) {
        problem_answer_code(request, ERR_METHOD_NOT_ALLOWED);
    } else {
        answer_text(service->metrics, request);
    }
}

static void on_refusal(void *owner, struct request *request, const struct err *err)
{
    (void)owner;
    problem_answer(request, err);
}

int api_metrics_listen(struct service *service, struct listener **listener, struct err *err)
{
    static const struct http_limits limits = {.header_timeout_ms = 5000,
                                              .body_idle_timeout_ms = 5000,
                                              .keep_alive_timeout_ms = 120000,
                                              .write_timeout_ms = 10000,
                                              .max_header_bytes = 16384,
                                              .max_headers = 100,
                                              .max_connections = 64};
    const struct config *config = service->config;
    struct listener_place place = {.address = config->metrics_listen, .is_shared = config->reuse_port};
    struct http_service http = {on_request, on_refusal, service};
    if (config->metrics_listen[0] == '\0') {
        return 0;
    }
    struct listener *opened = listener_open(service->loop, &place, &limits, &http, err);
    if (opened == NULL) {
        return -1;
    }
    log_info("listening for metrics", log_text("address", config->metrics_listen),
             log_int("port", listener_port(opened)));
    *listener = opened;
    return 0;
}

void api_metrics_stop(struct api_metrics *metrics)
{
    loop_lag_stop(&metrics->lag);
}

void api_metrics_free(struct api_metrics *metrics)
{
    if (metrics != NULL) {
        http_metrics_free(metrics->http);
        queue_metrics_free(metrics->queue);
        metrics_free(metrics->registry);
        free(metrics);
    }
}
