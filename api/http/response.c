// SPDX-License-Identifier: Apache-2.0
#include "api/http/response.h"

#include "api/http/conn.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/text.h"

#include <assert.h>
#include <unistd.h>

enum { HEAD_BYTES = 65536 }; /* limit of an answer's head, all of which is made by us */

const char *response_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return ""; /* RFC 9112, 4: may be empty */
}

static bool is_value(const char *value)
{
    return strpbrk(value, "\r\n") == NULL;
}

void response_header(struct request *request, const char *name, const char *value)
{
    if (value == NULL || !is_value(value)) {
        return;
    }
    struct response_header *header = arena_alloc(request->arena, sizeof *header);
    header->name = arena_string(request->arena, name);
    header->value = arena_string(request->arena, value);
    if (request->last == NULL) {
        request->first = header;
    } else {
        request->last->next = header;
    }
    request->last = header;
}

static bool has_header(const struct request *request, const char *name)
{
    for (const struct response_header *header = request->first; header != NULL; header = header->next) {
        if (text_equal_nocase(header->name, name)) {
            return true;
        }
    }
    return false;
}

/*
 * Whether the connection can go on after this answer. A rest of a body is read over where it is short and is sure to come: a
 * client that waits for 100 Continue may leave it out, and then nobody can tell where the next request begins.
 */
static bool may_keep(const struct request *request)
{
    const struct conn *conn = request->conn;
    if (!request->head.wants_keep_alive || conn->abort.code != ERR_NONE ||
        listener_is_closing(conn->listener)) {
        return false;
    }
    if (framing_is_done(&conn->framing)) {
        return true;
    }
    return conn->framing.place == FRAMING_LENGTH && conn->framing.left <= CONN_DRAIN_BYTES &&
           request->is_continue_sent;
}

struct content {
    int status;
    const char *type;
    uint64_t bytes;
};

static bool status_has_body(int status)
{
    return status != 204 && status != 304;
}

static int write_head(struct request *request, const struct content *content, struct buf *out)
{
    char date[CLOCK_TEXT_BYTES];
    clock_http_date(clock_wall_us(), date);
    int failed = buf_format(
        out, "HTTP/1.1 %d %s\r\nDate: %s\r\nX-Request-Id: %s\r\nX-Content-Type-Options: nosniff\r\n",
        content->status, response_reason(content->status), date, request->id);
    for (const struct response_header *header = request->first; header != NULL; header = header->next) {
        failed |= buf_format(out, "%s: %s\r\n", header->name, header->value);
    }
    if ((content->status == 503 || content->status == 429) && !has_header(request, "Retry-After")) {
        failed |= buf_format(out, "Retry-After: 1\r\n");
    }
    if (status_has_body(content->status)) {
        if (content->type != NULL && is_value(content->type)) {
            failed |= buf_format(out, "Content-Type: %s\r\n", content->type);
        }
        failed |= buf_format(out, "Content-Length: %llu\r\n", (unsigned long long)content->bytes);
    }
    if (!request->conn->answer.is_kept) {
        failed |= buf_format(out, "Connection: close\r\n");
    } else if (request->head.is_http_1_0) {
        failed |= buf_format(out, "Connection: keep-alive\r\n");
    }
    return failed | buf_add(out, "\r\n", 2);
}

/* Begins the answer with its head; false where there is nobody to answer. */
static bool begin_answer(struct request *request, const struct content *content, size_t copied_bytes)
{
    struct conn *conn = request->conn;
    assert(!conn->is_answered);
    conn->is_answered = true;
    conn_step_later(conn);
    if (conn->is_broken) {
        return false;
    }
    conn->answer.is_kept = may_keep(request);
    conn->answer.is_all_read = request->is_parsed && framing_is_done(&conn->framing);
    buf_init(&conn->answer.text, HEAD_BYTES + copied_bytes);
    conn->answer.sent = 0;
    if (write_head(request, content, &conn->answer.text) != 0) {
        conn_break(conn, ERR_INTERNAL, "no memory for an answer");
        return false;
    }
    return true;
}

void respond(struct request *request, int status, const char *content_type, const void *body, size_t bytes)
{
    struct conn *conn = request->conn;
    struct content content = {status, content_type, bytes};
    bool sends_body = status_has_body(status) && request->head.method != HTTP_HEAD_ && bytes > 0;
    if (begin_answer(request, &content, bytes) && sends_body &&
        buf_add(&conn->answer.text, body, bytes) != 0) {
        conn_break(conn, ERR_INTERNAL, "no memory for an answer");
    }
}

void respond_file(struct request *request, int status, const char *content_type, int fd, int64_t offset,
                  int64_t bytes)
{
    struct conn *conn = request->conn;
    struct content content = {status, content_type, (uint64_t)bytes};
    bool sends_body = status_has_body(status) && request->head.method != HTTP_HEAD_ && bytes > 0;
    if (!begin_answer(request, &content, 0) || !sends_body) {
        close(fd);
        return;
    }
    conn->answer.fd = fd;
    conn->answer.offset = offset;
    conn->answer.left = bytes;
}
