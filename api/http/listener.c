// SPDX-License-Identifier: Apache-2.0
#include "api/http/listener.h"

#include "api/http/conn.h"
#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/base/text.h"

#include <assert.h>

enum { BACKLOG = 511, SURPLUS_CONNECTIONS = 64, ADDRESS_BYTES = 64 };

struct listener {
    struct loop *loop;
    struct http_limits limits;
    struct http_service service;
    uv_tcp_t tcp;
    struct list conns; /* of struct conn; each leaves by listener_forget */
    size_t conn_count;
    size_t surplus_count; /* of them those that are only refused */
    bool is_closing;
    bool is_tcp_closed;
    bool is_settled; /* the last call is on its way */
    struct deadline grace;
    struct loop_later later;
    void (*closed)(void *owner);
    void *closed_owner;
};

/* Reads "ADDRESS:PORT" or "[ADDRESS]:PORT". */
static int read_address(const char *text, struct sockaddr_storage *address, struct err *err)
{
    char host[ADDRESS_BYTES];
    int64_t port = 0;
    const char *colon = strrchr(text, ':');
    size_t bytes = colon == NULL ? 0 : (size_t)(colon - text);
    bool is_bracketed = bytes > 2 && text[0] == '[' && colon[-1] == ']';
    if (is_bracketed) {
        text++;
        bytes -= 2;
    }
    if (bytes == 0 || bytes >= sizeof host || text_int64(colon + 1, 0, 65535, &port) != 0) {
        return err_set(err, ERR_CONFIG, "'%s' is not ADDRESS:PORT", text);
    }
    memcpy(host, text, bytes);
    host[bytes] = '\0';
    int status = is_bracketed ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)(void *)address)
                              : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)(void *)address);
    return status == 0 ? 0 : err_set(err, ERR_CONFIG, "'%s' is not an address to listen on", host);
}

static void settle(void *owner)
{
    struct listener *listener = owner;
    void (*closed)(void *owner) = listener->closed;
    void *closed_owner = listener->closed_owner;
    deadline_disarm(&listener->grace);
    free(listener);
    closed(closed_owner);
}

static void settle_when_empty(struct listener *listener)
{
    if (listener->is_closing && listener->is_tcp_closed && listener->conn_count == 0 &&
        !listener->is_settled) {
        listener->is_settled = true;
        loop_call_later(listener->loop, &listener->later, settle, listener);
    }
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    listener->is_tcp_closed = true;
    settle_when_empty(listener);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct listener *listener = server->data;
    if (status != 0) {
        log_warn("clients can not be accepted", log_text("reason", uv_strerror(status)));
        return;
    }
    conn_open(listener, server);
}

static void on_failed_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int start(struct listener *listener, const struct sockaddr_storage *address, const char *text,
                 struct err *err)
{
    int status = uv_tcp_bind(&listener->tcp, (const struct sockaddr *)address, 0);
    if (status == 0) {
        status = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
    }
    return status == 0 ? 0 : err_set(err, ERR_CONFIG, "can not listen on %s: %s", text, uv_strerror(status));
}

struct listener *listener_open(struct loop *loop, const char *address, const struct http_limits *limits,
                               const struct http_service *service, struct err *err)
{
    struct sockaddr_storage parsed = {.ss_family = AF_UNSPEC};
    if (read_address(address, &parsed, err) != 0) {
        return NULL;
    }
    struct listener *listener = alloc_zeroed(1, sizeof *listener);
    listener->loop = loop;
    listener->limits = *limits;
    listener->service = *service;
    list_init(&listener->conns);
    int status = uv_tcp_init(loop_uv(loop), &listener->tcp);
    assert(status == 0);
    listener->tcp.data = listener;
    if (start(listener, &parsed, address, err) != 0) {
        uv_close((uv_handle_t *)&listener->tcp, on_failed_closed);
        return NULL;
    }
    return listener;
}

int listener_port(const struct listener *listener)
{
    struct sockaddr_storage address;
    int bytes = sizeof address;
    if (uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&address, &bytes) != 0) {
        return -1;
    }
    /* the port stands at the same place in both families */
    return ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

size_t listener_connections(const struct listener *listener)
{
    return listener->conn_count;
}

static void on_grace_over(void *owner)
{
    struct listener *listener = owner;
    for (struct list *link = listener->conns.next, *next = NULL; link != &listener->conns; link = next) {
        struct conn *conn = list_owner(link, struct conn, link);
        next = link->next;
        conn_break(conn, ERR_SHUTDOWN, "the server goes down");
        conn_step(conn);
    }
}

void listener_close(struct listener *listener, uint64_t grace_ms, void (*closed)(void *owner), void *owner)
{
    assert(!listener->is_closing);
    listener->is_closing = true;
    listener->closed = closed;
    listener->closed_owner = owner;
    uv_close((uv_handle_t *)&listener->tcp, on_tcp_closed);
    for (struct list *link = listener->conns.next, *next = NULL; link != &listener->conns; link = next) {
        struct conn *conn = list_owner(link, struct conn, link);
        next = link->next;
        conn_step(conn); /* an idle one closes */
    }
    deadline_arm(&listener->grace, listener->loop, grace_ms, on_grace_over, listener);
}

struct loop *listener_loop(const struct listener *listener)
{
    return listener->loop;
}

const struct http_limits *listener_limits(const struct listener *listener)
{
    return &listener->limits;
}

const struct http_service *listener_service(const struct listener *listener)
{
    return &listener->service;
}

bool listener_is_closing(const struct listener *listener)
{
    return listener->is_closing;
}

bool listener_may_refuse(const struct listener *listener)
{
    return listener->surplus_count <= SURPLUS_CONNECTIONS;
}

void listener_remember(struct listener *listener, struct conn *conn)
{
    conn->is_surplus = listener->conn_count - listener->surplus_count >= listener->limits.max_connections;
    list_append(&listener->conns, &conn->link);
    listener->conn_count++;
    listener->surplus_count += conn->is_surplus;
}

void listener_forget(struct listener *listener, struct conn *conn)
{
    list_remove(&conn->link);
    listener->conn_count--;
    listener->surplus_count -= conn->is_surplus;
    settle_when_empty(listener);
}
