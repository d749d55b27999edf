// SPDX-License-Identifier: Apache-2.0
/*
 * The states that send. What the kernel takes at once is sent without a queue; the rest waits for libuv, one write at a time.
 */
#include "api/http/conn.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

void conn_drop_answer(struct conn *conn)
{
    buf_release(&conn->answer.text);
    conn->answer.sent = 0;
    free(conn->answer.piece);
    conn->answer.piece = NULL;
    conn->answer.piece_bytes = 0;
    if (conn->answer.fd >= 0) {
        close(conn->answer.fd);
        conn->answer.fd = -1;
    }
}

static void on_continue_written(uv_write_t *write, int status)
{
    struct conn *conn = write->data;
    if (status != 0) {
        conn_break(conn, ERR_CANCELLED, uv_strerror(status));
    }
    conn_step(conn);
}

void conn_send_continue(struct conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    _Static_assert(sizeof text <= sizeof conn->continue_text, "room for the interim answer");
    memcpy(conn->continue_text, text, sizeof text);
    uv_buf_t buf = uv_buf_init(conn->continue_text, sizeof text - 1);
    conn->continue_write.data = conn;
    int status = uv_write(&conn->continue_write, (uv_stream_t *)&conn->tcp, &buf, 1, on_continue_written);
    if (status != 0) {
        conn_break(conn, ERR_CANCELLED, uv_strerror(status));
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct conn *conn = write->data;
    conn->is_writing = false;
    if (status != 0) {
        conn_break(conn, ERR_CANCELLED, uv_strerror(status));
    }
    conn_step(conn);
}

/* Bytes of answers that the client has not taken: in libuv's queue, and in the kernel's (tcp(7), SIOCOUTQ), which can hold megabytes. */
static size_t untaken_bytes(const struct conn *conn)
{
    int held = 0;
    uv_os_fd_t fd = -1;
    if (uv_fileno((const uv_handle_t *)&conn->tcp, &fd) != 0 || ioctl(fd, SIOCOUTQ, &held) != 0) {
        held = 0;
    }
    return uv_stream_get_write_queue_size((const uv_stream_t *)&conn->tcp) + (size_t)held;
}

/* Sends bytes: all at once where the kernel takes them, else the rest through libuv, which then holds them until on_written. */
static void send_bytes(struct conn *conn, char *data, size_t bytes)
{
    uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
    uv_buf_t buf = uv_buf_init(data, (unsigned)bytes);
    int sent = uv_try_write(stream, &buf, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        conn_break(conn, ERR_CANCELLED, uv_strerror(sent));
        return;
    }
    size_t done = sent > 0 ? (size_t)sent : 0;
    if (done == bytes) {
        return;
    }
    buf = uv_buf_init(data + done, (unsigned)(bytes - done));
    conn->write.data = conn;
    int status = uv_write(&conn->write, stream, &buf, 1, on_written);
    if (status != 0) {
        conn_break(conn, ERR_CANCELLED, uv_strerror(status));
        return;
    }
    conn->is_writing = true;
    conn->untaken_bytes = untaken_bytes(conn);
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct conn *conn = shutdown->data;
    if (status != 0) {
        conn_break(conn, ERR_CANCELLED, uv_strerror(status));
    }
    conn_step(conn);
}

/* The last answer went out: the client hears that no more comes, and may end what it is still sending. */
static enum conn_state end_last(struct conn *conn)
{
    conn->shutdown.data = conn;
    if (uv_shutdown(&conn->shutdown, (uv_stream_t *)&conn->tcp, on_shutdown) != 0) {
        return CONN_CLOSE;
    }
    return CONN_LINGER;
}

static enum conn_state end_answer(struct conn *conn)
{
    conn_drop_answer(conn);
    if (!conn->answer.is_kept) {
        return end_last(conn);
    }
    return framing_is_done(&conn->framing) ? CONN_IDLE : CONN_DRAIN;
}

/* The write deadline passed: it is for a client that takes no byte in all that time. */
static void judge_progress(struct conn *conn)
{
    size_t untaken = untaken_bytes(conn);
    if (untaken < conn->untaken_bytes) {
        conn->untaken_bytes = untaken;
        conn_wait_anew(conn);
    } else {
        conn_break(conn, ERR_CANCELLED, "the client takes no bytes");
    }
}

enum conn_state do_conn_write(struct conn *conn)
{
    struct answer *answer = &conn->answer;
    if (conn->is_writing && conn->is_due && !conn->is_broken) {
        judge_progress(conn);
    }
    if (conn->is_writing) {
        return CONN_WRITE; /* libuv tells the end, also after a close */
    }
    if (conn->is_broken) {
        conn_drop_answer(conn);
        return CONN_CLOSE;
    }
    if (answer->sent < answer->text.used) {
        answer->sent = answer->text.used;
        send_bytes(conn, answer->text.data, answer->text.used);
        return do_conn_write(conn);
    }
    if (answer->piece_bytes > 0) {
        size_t bytes = (size_t)answer->piece_bytes;
        answer->piece_bytes = 0;
        send_bytes(conn, answer->piece, bytes);
        return do_conn_write(conn);
    }
    if (answer->fd >= 0 && answer->left > 0) {
        buf_release(&answer->text);
        answer->sent = 0;
        body_file_read(conn);
        return CONN_FILE;
    }
    return end_answer(conn);
}

enum conn_state do_conn_file(struct conn *conn)
{
    struct answer *answer = &conn->answer;
    if (!conn->is_file_read) {
        return CONN_FILE;
    }
    if (answer->piece_bytes <= 0) {
        /* a length was promised: only the end of the connection tells that it is not kept */
        conn_break(conn, ERR_STORAGE, "a file ended early or could not be read");
        answer->piece_bytes = 0;
        return CONN_WRITE;
    }
    answer->offset += answer->piece_bytes;
    answer->left -= answer->piece_bytes;
    return CONN_WRITE;
}
