// SPDX-License-Identifier: Apache-2.0
#include "api/handler/http_metrics.h"

#include "api/http/request.h"
#include "api/route/call.h"
#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/metric.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    METHODS = HTTP_OTHER_ + 1,
    CLASSES = 5,       /* of statuses, 1xx to 5xx */
    PATTERNS_MAX = 96, /* more than there are rows in the table of routes */
    LABEL_BYTES = 256
};

/* Requests of one pattern. Lines appear with the first request that they count. */
struct pattern {
    const char *text; /* "": no route */
    struct metric *requests[METHODS][CLASSES];
    struct metric *duration;
};

struct http_metrics {
    struct metrics *registry; /* borrowed */
    struct pattern patterns[PATTERNS_MAX];
    size_t pattern_count;
    struct metric *refusals[ERR_CODE_COUNT];
    struct metric *in_flight;
    struct metric *received_bytes;
    struct metric *sent_bytes;
};

struct http_metrics *http_metrics_new(struct metrics *registry)
{
    struct http_metrics *http = alloc_zeroed(1, sizeof *http);
    http->registry = registry;
    http->in_flight =
        metric_gauge(registry, "pixmill_http_requests_in_flight", "Requests that are not answered yet.", "");
    http->received_bytes = metric_counter(registry, "pixmill_http_received_bytes_total",
                                          "Bytes of requests' bodies that were taken.", "");
    http->sent_bytes =
        metric_counter(registry, "pixmill_http_sent_bytes_total", "Bytes of answers' bodies.", "");
    return http;
}

void http_metrics_free(struct http_metrics *http)
{
    free(http);
}

/* Adds a label; room for all that we label was made above. */
static void label(struct buf *labels, const char *name, const char *value)
{
    int status = metric_label(labels, name, value);
    assert(status == 0);
}

static struct pattern *pattern_of(struct http_metrics *http, const struct call *call)
{
    const char *text = call->match.route != NULL ? call->match.route->pattern : "";
    for (size_t i = 0; i < http->pattern_count; i++) {
        if (http->patterns[i].text == text || strcmp(http->patterns[i].text, text) == 0) {
            return &http->patterns[i];
        }
    }
    assert(http->pattern_count < PATTERNS_MAX);
    struct pattern *pattern = &http->patterns[http->pattern_count++];
    struct buf labels;
    buf_init(&labels, LABEL_BYTES);
    label(&labels, "route", text);
    pattern->text = text;
    pattern->duration = metric_histogram(http->registry, "pixmill_http_request_duration_seconds",
                                         "From a request's head to its answer.", labels.data);
    buf_release(&labels);
    return pattern;
}

static struct metric *requests_of(struct http_metrics *http, struct pattern *pattern, enum http_method method,
                                  int status)
{
    size_t class = status >= 100 && status < 600 ? (size_t)status / 100 - 1 : CLASSES - 1;
    struct metric **requests = &pattern->requests[method][class];
    if (*requests == NULL) {
        struct buf labels;
        const char word[] = {(char)('1' + class), 'x', 'x', '\0'};
        buf_init(&labels, LABEL_BYTES);
        label(&labels, "route", pattern->text);
        label(&labels, "method", http_method_word(method));
        label(&labels, "status", word);
        *requests = metric_counter(http->registry, "pixmill_http_requests_total",
                                   "Requests that were answered; without a route where no address fitted.",
                                   labels.data);
        buf_release(&labels);
    }
    return *requests;
}

static void count_refusal(struct http_metrics *http, enum err_code code)
{
    /* codes that share a word share a line */
    struct metric **refusals = &http->refusals[err_of_word(err_word(code))];
    if (*refusals == NULL) {
        struct buf labels;
        buf_init(&labels, LABEL_BYTES);
        label(&labels, "code", err_word(code));
        *refusals = metric_counter(http->registry, "pixmill_http_refusals_total",
                                   "Requests that were answered with an error, by its code.", labels.data);
        buf_release(&labels);
    }
    metric_add(*refusals, 1);
}

void http_metrics_begin(struct http_metrics *http)
{
    metric_add(http->in_flight, 1);
}

void http_metrics_end(struct http_metrics *http, const struct call *call, int status, int64_t body_bytes)
{
    enum http_method method = request_method(call->request);
    struct pattern *pattern = pattern_of(http, call);
    metric_add(http->in_flight, -1);
    metric_add(requests_of(http, pattern, method, status), 1);
    metric_observe_us(pattern->duration, clock_monotonic_us() - call->started_us);
    metric_add(http->received_bytes, request_body_bytes(call->request));
    metric_add(http->sent_bytes, method == HTTP_HEAD_ ? 0 : body_bytes);
    if (call->fault != NULL) {
        count_refusal(http, call->fault->code);
    }
}

void http_metrics_refuse(struct http_metrics *http, const struct err *err)
{
    count_refusal(http, err->code);
}
