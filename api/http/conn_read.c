// SPDX-License-Identifier: Apache-2.0
/*
 * The states that take bytes. A read buffer exists from the moment in which bytes are there until they are taken, and nothing is
 * read meanwhile: a slow client costs no buffer, and a slow handler holds its client back.
 */
#include "api/http/conn.h"

#include "common/base/arena.h"

#include <assert.h>
#include <sys/socket.h>

void conn_drop_input(struct conn *conn)
{
    free(conn->input);
    conn->input = NULL;
    conn->input_start = 0;
    conn->input_end = 0;
}

/* True where bytes wait; frees a buffer that has been taken whole. */
static bool has_input(struct conn *conn)
{
    if (conn->input != NULL && conn->input_start == conn->input_end) {
        conn_drop_input(conn);
    }
    return conn->input != NULL;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct conn *conn = handle->data;
    (void)suggested;
    assert(conn->input == NULL);
    conn->input = malloc(CONN_READ_BYTES);
    *buf = uv_buf_init(conn->input, conn->input == NULL ? 0 : CONN_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct conn *conn = stream->data;
    (void)buf;
    conn->input_end = got > 0 ? (size_t)got : 0;
    if (got <= 0) {
        conn_drop_input(conn);
    }
    if (got == UV_EOF) {
        conn->is_eof = true;
    } else if (got < 0) {
        conn_break(conn, ERR_CANCELLED, uv_strerror((int)got));
    }
    conn_step(conn);
}

static bool state_reads(enum conn_state state)
{
    return state == CONN_IDLE || state == CONN_HEAD || state == CONN_BODY || state == CONN_DRAIN ||
           state == CONN_LINGER;
}

void conn_set_reading(struct conn *conn)
{
    bool wants = state_reads(conn->state) && conn->input == NULL && !conn->is_eof && !conn->is_broken;
    if (wants == conn->is_reading) {
        return;
    }
    conn->is_reading = wants;
    if (!wants) {
        uv_read_stop((uv_stream_t *)&conn->tcp);
    } else if (uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read) != 0) {
        conn_break(conn, ERR_CANCELLED, "the socket can not be read");
        conn_step_later(conn);
    }
}

/* True where bytes lie in the socket that libuv has not brought. */
static bool has_unread(const struct conn *conn)
{
    char byte = 0;
    uv_os_fd_t fd = -1;
    return uv_fileno((const uv_handle_t *)&conn->tcp, &fd) == 0 &&
           recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

enum conn_state do_conn_idle(struct conn *conn)
{
    if (conn->is_broken) {
        return CONN_CLOSE;
    }
    if (conn->is_surplus && !listener_may_refuse(conn->listener)) {
        return CONN_CLOSE;
    }
    if (conn->is_surplus) {
        struct err err;
        err_set(&err, ERR_OVERLOADED, "more than %zu connections", conn->limits->max_connections);
        conn_refuse(conn, &err);
        return CONN_HANDLE;
    }
    if (has_input(conn)) {
        return CONN_HEAD;
    }
    if (conn->is_due && has_unread(conn)) {
        conn_wait_anew(conn); /* a request has come in time, and we are the ones who are late */
    }
    return conn->is_eof || conn->is_due ? CONN_CLOSE : CONN_IDLE;
}

/* The head is whole: makes the request of it and gives it to the handler. */
static void begin_request(struct conn *conn)
{
    struct request *request = request_new(conn);
    struct err err = {.code = ERR_NONE};
    size_t bytes = conn->head.text.used;
    char *text = arena_copy(request->arena, conn->head.text.data, bytes);
    head_reader_release(&conn->head);
    conn->request = request;
    conn->abort = (struct err){.code = ERR_NONE};
    int status = parse_head(request->arena, text, bytes, &request->head, &err);
    request_set_id(request);
    if (status != 0) {
        conn_refuse(conn, &err);
        return;
    }
    request->is_parsed = true;
    request->is_continue_sent = !request->head.expects_continue;
    if (request->head.is_chunked) {
        framing_start_chunked(&conn->framing);
    } else {
        int64_t length = request->head.content_length;
        framing_start_length(&conn->framing, length > 0 ? (uint64_t)length : 0);
    }
    if (request->head.has_bad_expectation) {
        err_set(&err, ERR_EXPECTATION_FAILED, "an expectation that is not 100-continue");
        conn_refuse(conn, &err);
        return;
    }
    conn->service->on_request(conn->service->owner, request);
}

enum conn_state do_conn_head(struct conn *conn)
{
    struct err err = {.code = ERR_NONE};
    if (conn->is_broken) {
        return CONN_CLOSE;
    }
    if (has_input(conn)) {
        size_t taken = 0;
        if (head_reader_feed(&conn->head, conn->input + conn->input_start,
                             conn->input_end - conn->input_start, &taken, &err) != 0) {
            conn_refuse(conn, &err);
            return CONN_HANDLE;
        }
        conn->input_start += taken;
        if (conn->head.place == HEAD_END) {
            begin_request(conn);
            return CONN_HANDLE;
        }
        conn_drop_input(conn);
    }
    if (conn->is_due && head_reader_has_begun(&conn->head)) {
        err_set(&err, ERR_REQUEST_TIMEOUT, "the head did not arrive in time");
        conn_refuse(conn, &err);
        return CONN_HANDLE;
    }
    return conn->is_eof || conn->is_due ? CONN_CLOSE : CONN_HEAD;
}

/* The body ended early: its sink hears why. */
static enum conn_state abort_body(struct conn *conn)
{
    struct request *request = conn->request;
    request->wants_piece = false;
    request->is_sink_done = true;
    request->sink->on_abort(request->sink_owner, &conn->abort);
    return CONN_HANDLE;
}

/* Takes the next piece out of the input; *piece_bytes may be 0 where only framing was there. Sets conn->abort where it is at fault. */
static char *take_piece(struct conn *conn, size_t *piece_bytes)
{
    struct request *request = conn->request;
    char *piece = conn->input + conn->input_start;
    size_t taken = 0;
    if (framing_feed(&conn->framing, piece, conn->input_end - conn->input_start, &taken, piece_bytes,
                     &conn->abort) != 0) {
        return NULL;
    }
    conn->input_start += taken;
    request->body_bytes += (int64_t)*piece_bytes;
    if (request->body_bytes > request->max_body_bytes) {
        err_set(&conn->abort, ERR_BODY_TOO_LARGE, "the body is larger than %lld bytes",
                (long long)request->max_body_bytes);
        return NULL;
    }
    return piece;
}

enum conn_state do_conn_body(struct conn *conn)
{
    struct request *request = conn->request;
    if (conn->is_answered) {
        return CONN_HANDLE;
    }
    /* the piece before this one is not needed any more, so its buffer may go */
    while (conn->abort.code == ERR_NONE && !framing_is_done(&conn->framing) && has_input(conn)) {
        size_t piece_bytes = 0;
        char *piece = take_piece(conn, &piece_bytes);
        if (piece != NULL && piece_bytes > 0) {
            request->wants_piece = false;
            request->sink->on_data(request->sink_owner, piece, piece_bytes);
            return CONN_HANDLE;
        }
    }
    if (conn->abort.code == ERR_NONE && framing_is_done(&conn->framing)) {
        request->wants_piece = false;
        request->is_sink_done = true;
        request->sink->on_end(request->sink_owner);
        return CONN_HANDLE;
    }
    if (conn->is_eof) {
        conn_break(conn, ERR_CANCELLED, "the client left inside a body");
    } else if (conn->is_due && conn->abort.code == ERR_NONE) {
        err_set(&conn->abort, ERR_REQUEST_TIMEOUT, "the body paused for too long");
    }
    return conn->abort.code == ERR_NONE ? CONN_BODY : abort_body(conn);
}

enum conn_state do_conn_drain(struct conn *conn)
{
    struct err err = {.code = ERR_NONE};
    if (conn->is_broken) {
        return CONN_CLOSE;
    }
    if (has_input(conn)) {
        size_t taken = 0;
        size_t body_bytes = 0;
        if (framing_feed(&conn->framing, conn->input + conn->input_start, conn->input_end - conn->input_start,
                         &taken, &body_bytes, &err) != 0) {
            return CONN_CLOSE;
        }
        conn->input_start += taken;
        has_input(conn);
    }
    if (framing_is_done(&conn->framing)) {
        return CONN_IDLE;
    }
    return conn->is_eof || conn->is_due ? CONN_CLOSE : CONN_DRAIN;
}

enum conn_state do_conn_linger(struct conn *conn)
{
    conn->lingered_bytes += conn->input_end - conn->input_start;
    conn_drop_input(conn);
    bool is_over =
        conn->is_broken || conn->is_eof || conn->is_due || conn->lingered_bytes > CONN_LINGER_BYTES;
    return is_over ? CONN_CLOSE : CONN_LINGER;
}
