// SPDX-License-Identifier: Apache-2.0
#include "worker/health.h"

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/list.h"
#include "common/base/text.h"
#include "common/net/loop.h"
#include "common/queue/queue.h"
#include "worker/codec_pool.h"
#include "worker/dispatcher.h"
#include "worker/metrics.h"
#include "worker/parts.h"

#include <assert.h>

enum {
    LOOK_MS = 1000,
    VISIT_MS = 5000,
    MOST_VISITS = 16,
    BACKLOG = 16,
    REQUEST_BYTES = 2048,
    BODY_BYTES = 1 << 20, /* over it nothing is answered */
    ANSWER_BYTES = BODY_BYTES + 1024
};

/* One connection: reads until an empty line, answers, closes. */
struct visit {
    struct list link;
    struct health *health;
    uv_tcp_t tcp;
    uv_write_t write;
    struct deadline deadline;
    char request[REQUEST_BYTES];
    size_t request_bytes;
    struct buf answer; /* owned */
};

struct health {
    const struct parts *parts;           /* borrowed */
    const struct dispatcher *dispatcher; /* borrowed */
    uv_tcp_t listener;
    bool is_listening;  /* the listener still needs its close callback */
    struct list visits; /* owned */
    size_t visit_count;
    struct deadline look;
    bool is_asking; /* queue_stats is pending */
    struct queue_stats stats;
    struct health_rule rule;
    const char *fault; /* NULL: well */
    int64_t backlog;
    bool is_paused; /* nothing is to be taken */
    bool is_closing;
    struct loop_later close;
    void (*closed)(void *owner);
    void *close_owner;
};

static void look(void *owner);

static void finish_close(void *owner)
{
    struct health *health = owner;
    void (*closed)(void *) = health->closed;
    void *close_owner = health->close_owner;
    free(health);
    closed(close_owner);
}

static void end_where_done(struct health *health)
{
    if (health->is_closing && !health->is_listening && !health->is_asking && list_is_empty(&health->visits)) {
        loop_call_later(health->parts->loop, &health->close, finish_close, health);
    }
}

static void on_looked(void *owner, const struct err *err)
{
    struct health *health = owner;
    struct dispatcher_status status = dispatcher_status(health->dispatcher);
    const int64_t *ready = health->stats.ready;
    health->is_asking = false;
    if (health->is_closing) {
        end_where_done(health);
        return;
    }
    health->backlog = err != NULL ? -1 : ready[JOB_HIGH] + ready[JOB_NORMAL] + ready[JOB_LOW];
    struct health_view view = {.backlog = health->backlog,
                               .has_codec = codec_pool_live(health->parts->codecs) > 0,
                               .is_codec_free = codec_pool_free(health->parts->codecs) > 0,
                               .is_paused = status.is_paused || (err == NULL && health->stats.is_paused),
                               .taken = status.taken};
    health->is_paused = view.is_paused;
    health->fault = health_look(&health->rule, &view, clock_monotonic_us() / 1000);
    deadline_arm(&health->look, health->parts->loop, LOOK_MS, look, health);
}

static void look(void *owner)
{
    struct health *health = owner;
    health->is_asking = true;
    queue_stats(health->parts->queue, &health->stats, on_looked, health);
}

static void on_visit_closed(uv_handle_t *handle)
{
    struct visit *visit = handle->data;
    struct health *health = visit->health;
    list_remove(&visit->link);
    health->visit_count--;
    buf_release(&visit->answer);
    free(visit);
    end_where_done(health);
}

static void end_visit(void *owner)
{
    struct visit *visit = owner;
    deadline_disarm(&visit->deadline);
    if (!uv_is_closing((uv_handle_t *)&visit->tcp)) {
        uv_close((uv_handle_t *)&visit->tcp, on_visit_closed);
    }
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    end_visit(write->data);
}

/* Each page appends its body; is_well tells 200 from 503. */
static int write_health(const struct health *health, struct buf *body, bool *is_well)
{
    struct dispatcher_status status = dispatcher_status(health->dispatcher);
    *is_well = health->fault == NULL;
    return buf_format(body,
                      "{\"status\":\"%s\",\"detail\":\"%s\",\"codecs\":%zu,\"in_hand\":%zu,\"backlog\":%lld,"
                      "\"paused\":%s}\n",
                      health->fault != NULL ? "failing" : "ok", health->fault != NULL ? health->fault : "",
                      codec_pool_live(health->parts->codecs), status.in_hand, (long long)health->backlog,
                      health->is_paused ? "true" : "false");
}

static int write_metrics(const struct health *health, struct buf *body, bool *is_well)
{
    struct dispatcher_status status = dispatcher_status(health->dispatcher);
    *is_well = true;
    return worker_metrics_write(health->parts->metrics, health->parts, &status, body);
}

/* The first row whose text the request begins with; a probe may ask for the last at any address. */
static const struct page {
    const char *request;
    const char *type;
    int (*write)(const struct health *health, struct buf *body, bool *is_well);
} pages[] = {{"GET /metrics ", METRIC_CONTENT_TYPE, write_metrics}, {"", "application/json", write_health}};

static int write_answer(const struct health *health, const struct page *page, struct buf *answer)
{
    struct buf body;
    bool is_well = false;
    buf_init(&body, BODY_BYTES);
    int status = page->write(health, &body, &is_well);
    if (status == 0) {
        status = buf_format(answer,
                            "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                            "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
                            is_well ? "200 OK" : "503 Service Unavailable", page->type, body.used) |
                 buf_add(answer, body.data, body.used);
    }
    buf_release(&body);
    return status;
}

static void answer(struct visit *visit)
{
    const struct page *page = pages;
    while (!text_starts_with(visit->request, page->request)) {
        page++;
    }
    if (write_answer(visit->health, page, &visit->answer) != 0) {
        end_visit(visit);
        return;
    }
    uv_buf_t piece = uv_buf_init(visit->answer.data, (unsigned)visit->answer.used);
    visit->write.data = visit;
    if (uv_write(&visit->write, (uv_stream_t *)&visit->tcp, &piece, 1, on_written) != 0) {
        end_visit(visit);
    }
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *piece)
{
    struct visit *visit = handle->data;
    (void)wanted;
    *piece = uv_buf_init(visit->request + visit->request_bytes,
                         (unsigned)(sizeof visit->request - 1 - visit->request_bytes));
}

static void on_read(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *piece)
{
    struct visit *visit = stream->data;
    (void)piece;
    if (bytes < 0) {
        end_visit(visit);
        return;
    }
    visit->request_bytes += (size_t)bytes;
    visit->request[visit->request_bytes] = '\0';
    bool is_full = visit->request_bytes == sizeof visit->request - 1;
    if (is_full || strstr(visit->request, "\r\n\r\n") != NULL) {
        uv_read_stop(stream);
        answer(visit);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct health *health = listener->data;
    if (status != 0) {
        return;
    }
    struct visit *visit = alloc_zeroed(1, sizeof *visit);
    visit->health = health;
    buf_init(&visit->answer, ANSWER_BYTES);
    list_init(&visit->link);
    list_append(&health->visits, &visit->link);
    health->visit_count++;
    uv_tcp_init(loop_uv(health->parts->loop), &visit->tcp);
    visit->tcp.data = visit;
    deadline_arm(&visit->deadline, health->parts->loop, VISIT_MS, end_visit, visit);
    if (uv_accept(listener, (uv_stream_t *)&visit->tcp) != 0 || health->visit_count > MOST_VISITS ||
        uv_read_start((uv_stream_t *)&visit->tcp, on_alloc, on_read) != 0) {
        end_visit(visit);
    }
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct health *health = handle->data;
    health->is_listening = false;
    end_where_done(health);
}

/* Reads "host:port" with a numeric host, which may stand in brackets. */
static int read_address(const char *listen, struct sockaddr_storage *address, struct err *err)
{
    const char *colon = strrchr(listen, ':');
    char host[64];
    int64_t port = 0;
    size_t host_bytes = colon != NULL ? (size_t)(colon - listen) : 0;
    if (host_bytes > 1 && listen[0] == '[' && listen[host_bytes - 1] == ']') {
        listen++;
        host_bytes -= 2;
    }
    if (colon == NULL || host_bytes >= sizeof host || text_int64(colon + 1, 0, 65535, &port) != 0) {
        return err_set(err, ERR_CONFIG, "not an address and a port: %s", listen);
    }
    memcpy(host, listen, host_bytes);
    host[host_bytes] = '\0';
    if (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)address) != 0 &&
        uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)address) != 0) {
        return err_set(err, ERR_CONFIG, "not a numeric address: %s", host);
    }
    return 0;
}

static void on_unused_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct health *health_open(const struct parts *parts, const struct dispatcher *dispatcher, const char *listen,
                           struct err *err)
{
    struct sockaddr_storage address = {0};
    if (read_address(listen, &address, err) != 0) {
        return NULL;
    }
    struct health *health = alloc_zeroed(1, sizeof *health);
    health->parts = parts;
    health->dispatcher = dispatcher;
    list_init(&health->visits);
    uv_tcp_init(loop_uv(parts->loop), &health->listener);
    health->listener.data = health;
    health->is_listening = true;
    int status = uv_tcp_bind(&health->listener, (const struct sockaddr *)&address, 0);
    if (status == 0) {
        status = uv_listen((uv_stream_t *)&health->listener, BACKLOG, on_connection);
    }
    if (status != 0) {
        err_set(err, ERR_CONFIG, "can not listen on %s: %s", listen, uv_strerror(status));
        /* the memory goes with the handle's close, which the caller's loop still runs */
        uv_close((uv_handle_t *)&health->listener, on_unused_closed);
        return NULL;
    }
    look(health);
    return health;
}

void health_close(struct health *health, void (*closed)(void *owner), void *owner)
{
    assert(!health->is_closing);
    health->is_closing = true;
    health->closed = closed;
    health->close_owner = owner;
    deadline_disarm(&health->look);
    uv_close((uv_handle_t *)&health->listener, on_listener_closed);
    for (struct list *link = health->visits.next; link != &health->visits; link = link->next) {
        end_visit(list_owner(link, struct visit, link));
    }
}
