// SPDX-License-Identifier: Apache-2.0
/*
 *        ┌───────────────────────◄───────────────────────┬──────────────┐
 *   ─► IDLE ─► HEAD ─► HANDLE ◄──► BODY                   │              │
 *        │       │        └──────────► WRITE ◄──► FILE    │              │
 *        │       │                       ├── kept ────────┴─► DRAIN ─────┘
 *        │       │                       └── last ──► LINGER
 *        └───────┴───────────────────────────────────────┴──► CLOSE ─► freed
 *
 * A refusal is a request too: HEAD hands it to on_refusal and goes to HANDLE. Where the socket breaks it is closed at once, and
 * the state goes on to CLOSE as soon as the handler has answered and the thread pool is done.
 */
#include "api/http/conn.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/base/text.h"

#include <assert.h>
#include <unistd.h>

enum { STEP_STATES = 256 }; /* states gone through before other clients have their turn */

/* The handler has the request: what it waits for has a deadline of its own there, so the state has none. */
static enum conn_state do_conn_handle(struct conn *conn)
{
    if (conn->is_answered) {
        arena_free(conn->request->arena);
        conn->request = NULL;
        conn->is_answered = false;
        conn->has_served = true;
        return CONN_WRITE;
    }
    bool has_sink = conn->request->sink != NULL && !conn->request->is_sink_done;
    return has_sink && conn->request->wants_piece ? CONN_BODY : CONN_HANDLE;
}

static enum conn_state do_conn_close(struct conn *conn)
{
    conn_break(conn, ERR_CANCELLED, "the connection has ended");
    return CONN_CLOSE;
}

static enum conn_state (*const states[CONN_STATE_COUNT])(struct conn *conn) = {
    [CONN_IDLE] = do_conn_idle,   [CONN_HEAD] = do_conn_head,     [CONN_HANDLE] = do_conn_handle,
    [CONN_BODY] = do_conn_body,   [CONN_WRITE] = do_conn_write,   [CONN_FILE] = do_conn_file,
    [CONN_DRAIN] = do_conn_drain, [CONN_LINGER] = do_conn_linger, [CONN_CLOSE] = do_conn_close,
};

static void on_deadline(void *owner)
{
    struct conn *conn = owner;
    conn->is_due = true;
    conn_step(conn);
}

static uint64_t idle_ms(const struct conn *conn)
{
    uint64_t usual = conn->has_served ? conn->limits->keep_alive_timeout_ms : conn->limits->header_timeout_ms;
    uint64_t last = conn->has_served ? CONN_LAST_IDLE_MS : CONN_LAST_FIRST_MS;
    return listener_is_closing(conn->listener) && last < usual ? last : usual;
}

/* How long a state may wait, in ms; 0: it ends by calls that have deadlines of their own. */
static uint64_t state_ms(const struct conn *conn, enum conn_state state)
{
    const struct http_limits *limits = conn->limits;
    switch (state) {
    case CONN_IDLE:
        return idle_ms(conn);
    case CONN_HEAD:
        return limits->header_timeout_ms;
    case CONN_BODY:
    case CONN_DRAIN:
        return limits->body_idle_timeout_ms;
    case CONN_WRITE:
        return limits->write_timeout_ms;
    case CONN_LINGER:
        return conn->answer.is_all_read ? CONN_LINGER_DONE_MS : CONN_LINGER_MS;
    case CONN_HANDLE:
    case CONN_FILE:
    case CONN_CLOSE:
    case CONN_STATE_COUNT:
        break;
    }
    return 0;
}

static void conn_set_state(struct conn *conn, enum conn_state state)
{
    conn->state = state;
    conn->is_due = false;
    deadline_disarm(&conn->deadline);
    uint64_t after_ms = state_ms(conn, state);
    if (after_ms > 0) {
        deadline_arm(&conn->deadline, conn->loop, after_ms, on_deadline, conn);
    }
}

/* The only end: runs when nothing refers to the connection any more. */
static void conn_finish(struct conn *conn)
{
    deadline_disarm(&conn->deadline);
    conn_drop_input(conn);
    conn_drop_answer(conn);
    head_reader_release(&conn->head);
    listener_forget(conn->listener, conn);
    free(conn);
}

void conn_step(struct conn *conn)
{
    if (conn->is_stepping) {
        return; /* a call from inside a state's function: that function's return is looked at next */
    }
    conn->is_stepping = true;
    enum conn_state next = states[conn->state](conn);
    int passed = 0;
    for (; next != conn->state && passed < STEP_STATES; passed++) {
        conn_set_state(conn, next);
        next = states[conn->state](conn);
    }
    bool is_unfinished = next != conn->state;
    if (is_unfinished) {
        conn_set_state(conn, next);
    }
    conn_set_reading(conn);
    conn->is_stepping = false;
    if (is_unfinished) {
        conn_step_later(conn);
    }
    if (conn->state == CONN_CLOSE && conn->is_closed && !conn->later.is_queued) {
        conn_finish(conn);
    }
}

static void on_later(void *owner)
{
    struct conn *conn = owner;
    conn_step(conn);
}

void conn_step_later(struct conn *conn)
{
    if (!conn->is_stepping) {
        loop_call_later(conn->loop, &conn->later, on_later, conn);
    }
}

void conn_wait_anew(struct conn *conn)
{
    conn_set_state(conn, conn->state);
}

static void on_close(uv_handle_t *handle)
{
    struct conn *conn = handle->data;
    conn->is_closed = true;
    conn_step(conn);
}

void conn_break(struct conn *conn, enum err_code code, const char *sentence)
{
    if (conn->is_broken) {
        return;
    }
    conn->is_broken = true;
    conn->is_reading = false;
    if (conn->abort.code == ERR_NONE) {
        err_set(&conn->abort, code, "%s", sentence);
    }
    uv_close((uv_handle_t *)&conn->tcp, on_close);
}

void conn_refuse(struct conn *conn, const struct err *err)
{
    log_debug("a request was refused", log_text("peer", conn->peer), log_err(err));
    if (conn->request == NULL) {
        conn->request = request_new(conn);
        request_set_id(conn->request);
    }
    conn->service->on_refusal(conn->service->owner, conn->request, err);
}

/* The peer's address; an IPv4 client of an IPv6 socket gets its IPv4 name, which is what lists of proxies hold. */
static void take_peer(struct conn *conn)
{
    static const char mapped[] = "::ffff:";
    struct sockaddr_storage address;
    int bytes = sizeof address;
    char text[CONN_PEER_BYTES] = "";
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &bytes) != 0) {
        return; /* gone already: the first read will tell */
    }
    if (address.ss_family == AF_INET6) {
        uv_ip6_name((const struct sockaddr_in6 *)(const void *)&address, text, sizeof text);
    } else {
        uv_ip4_name((const struct sockaddr_in *)(const void *)&address, text, sizeof text);
    }
    bool is_mapped = text_starts_with(text, mapped) && strchr(text, '.') != NULL;
    if (text_copy(conn->peer, sizeof conn->peer, is_mapped ? text + sizeof mapped - 1 : text) != 0) {
        conn->peer[0] = '\0';
    }
}

static struct conn *conn_new(struct listener *listener)
{
    struct conn *conn = alloc_zeroed(1, sizeof *conn);
    conn->listener = listener;
    conn->loop = listener_loop(listener);
    conn->limits = listener_limits(listener);
    conn->service = listener_service(listener);
    conn->answer.fd = -1;
    list_init(&conn->link);
    head_reader_init(&conn->head, conn->limits->max_header_bytes, conn->limits->max_headers);
    framing_start_length(&conn->framing, 0);
    listener_remember(listener, conn);
    int status = uv_tcp_init(loop_uv(conn->loop), &conn->tcp);
    assert(status == 0);
    conn->tcp.data = conn;
    conn_set_state(conn, CONN_IDLE);
    return conn;
}

/* status: of libuv, how taking the socket went. */
static void conn_begin(struct conn *conn, int status)
{
    if (status != 0) {
        log_warn("a client could not be accepted", log_text("reason", uv_strerror(status)));
        conn_break(conn, ERR_CANCELLED, "not accepted");
    } else {
        uv_tcp_nodelay(&conn->tcp, 1);
        take_peer(conn);
    }
    conn_step(conn);
}

void conn_open(struct listener *listener, uv_stream_t *server)
{
    struct conn *conn = conn_new(listener);
    conn_begin(conn, uv_accept(server, (uv_stream_t *)&conn->tcp));
}

void conn_open_socket(struct listener *listener, int fd)
{
    struct conn *conn = conn_new(listener);
    int status = uv_tcp_open(&conn->tcp, fd);
    if (status != 0) {
        close(fd);
    }
    conn_begin(conn, status);
}

void conn_end_soon(struct conn *conn)
{
    if (conn->state == CONN_IDLE) {
        conn_wait_anew(conn);
    }
}
