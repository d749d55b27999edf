// SPDX-License-Identifier: Apache-2.0
#include "api/http/conn.h"

#include "common/base/arena.h"
#include "common/base/text.h"

struct request *request_new(struct conn *conn)
{
    struct arena *arena = arena_new();
    struct request *request = arena_alloc(arena, sizeof *request);
    request->conn = conn;
    request->arena = arena;
    request->head.method = HTTP_OTHER_;
    request->head.path = "/";
    request->head.query = "";
    request->head.content_length = -1;
    request->is_continue_sent = true;
    return request;
}

static bool is_id(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length < CONN_ID_BYTES &&
           strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-") == length;
}

void request_set_id(struct request *request)
{
    const char *given = headers_first(&request->head.headers, "x-request-id");
    if (given == NULL || !is_id(given) || text_copy(request->id, sizeof request->id, given) != 0) {
        char fresh[RANDOM_UUID_BYTES];
        random_uuid(fresh);
        memcpy(request->id, fresh, sizeof fresh);
    }
}

enum http_method request_method(const struct request *request)
{
    return request->head.method;
}

const char *http_method_word(enum http_method method)
{
    static const char *const words[] = {
        [HTTP_GET_] = "GET",         [HTTP_HEAD_] = "HEAD",   [HTTP_POST_] = "POST",
        [HTTP_PUT_] = "PUT",         [HTTP_PATCH_] = "PATCH", [HTTP_DELETE_] = "DELETE",
        [HTTP_OPTIONS_] = "OPTIONS", [HTTP_OTHER_] = "OTHER",
    };
    return words[method];
}

const char *request_path(const struct request *request)
{
    return request->head.path;
}

const char *request_query(const struct request *request)
{
    return request->head.query;
}

const char *request_header(const struct request *request, const char *name)
{
    return headers_joined(&request->head.headers, request->arena, name);
}

const char *request_id(const struct request *request)
{
    return request->id;
}

const char *request_peer(const struct request *request)
{
    return request->conn->peer;
}

struct arena *request_arena(struct request *request)
{
    return request->arena;
}

void request_set_context(struct request *request, void *context)
{
    request->context = context;
}

void *request_context(const struct request *request)
{
    return request->context;
}

bool request_has_body(const struct request *request)
{
    return request->head.is_chunked || request->head.content_length > 0;
}

int64_t request_content_length(const struct request *request)
{
    return request->head.content_length;
}

int64_t request_body_bytes(const struct request *request)
{
    return request->body_bytes;
}
