// SPDX-License-Identifier: Apache-2.0
/*
 * How a handler asks for a request's body. The calls only say what is wanted; conn_read.c brings it.
 */
#include "api/http/conn.h"

#include "common/base/arena.h"

#include <assert.h>

void request_read_body(struct request *request, int64_t max_bytes, const struct body_sink *sink, void *owner)
{
    struct conn *conn = request->conn;
    assert(request->sink == NULL && !conn->is_answered);
    request->sink = sink;
    request->sink_owner = owner;
    request->max_body_bytes = max_bytes;
    request->wants_piece = true;
    if (request->head.content_length > max_bytes && conn->abort.code == ERR_NONE) {
        err_set(&conn->abort, ERR_BODY_TOO_LARGE, "a body of %lld bytes, %lld are taken",
                (long long)request->head.content_length, (long long)max_bytes);
    } else if (!request->is_continue_sent && !conn->is_broken && conn->abort.code == ERR_NONE) {
        request->is_continue_sent = true;
        /* a client that sends the body without waiting, or sends none, does not need it */
        bool has_input = conn->input_start < conn->input_end;
        if (!has_input && !framing_is_done(&conn->framing)) {
            conn_send_continue(conn);
        }
    }
    conn_step_later(conn);
}

void request_read_more(struct request *request)
{
    assert(request->sink != NULL && !request->wants_piece && !request->is_sink_done);
    request->wants_piece = true;
    conn_step_later(request->conn);
}

/* A body that is read whole. */
struct whole {
    struct request *request;
    struct buf body; /* owned until it is copied into the arena */
    const char **data;
    size_t *bytes;
    done_fn done;
    void *owner;
};

static void on_whole_data(void *owner, const char *data, size_t bytes)
{
    struct whole *whole = owner;
    /* the sink's limit is the buffer's, so only memory can be short; the end then tells */
    if (whole->body.limit > 0 && buf_add(&whole->body, data, bytes) != 0) {
        buf_release(&whole->body);
        whole->body.limit = 0;
    }
    request_read_more(whole->request);
}

static void on_whole_end(void *owner)
{
    struct whole *whole = owner;
    if (whole->body.limit == 0) {
        struct err err;
        err_set(&err, ERR_OVERLOADED, "no memory for a body");
        whole->done(whole->owner, &err);
        return;
    }
    *whole->bytes = whole->body.used;
    *whole->data = arena_copy(whole->request->arena, whole->body.data, whole->body.used);
    buf_release(&whole->body);
    whole->done(whole->owner, NULL);
}

static void on_whole_abort(void *owner, const struct err *err)
{
    struct whole *whole = owner;
    buf_release(&whole->body);
    whole->done(whole->owner, err);
}

void request_read_whole(struct request *request, int64_t max_bytes, const char **data, size_t *bytes,
                        done_fn done, void *owner)
{
    static const struct body_sink sink = {on_whole_data, on_whole_end, on_whole_abort};
    struct whole *whole = arena_alloc(request->arena, sizeof *whole);
    *whole = (struct whole){.request = request, .data = data, .bytes = bytes, .done = done, .owner = owner};
    buf_init(&whole->body, (size_t)max_bytes + 1);
    request_read_body(request, max_bytes, &sink, whole);
}
