// SPDX-License-Identifier: Apache-2.0
/*
 * The head is given to llhttp in one piece, so that every name and value is a span of the text. The spans get their NUL only
 * when llhttp is done: the byte behind each is a blank, colon or CR that is not needed any more.
 */
#include "api/http/parse.h"

#include "api/http/query.h"
#include "common/base/arena.h"
#include "common/base/text.h"

#include <llhttp.h>
#include <strings.h>

struct span {
    const char *start; /* NULL: none */
    size_t bytes;
};

struct field {
    struct span name;
    struct span value;
};

struct parse {
    llhttp_t llhttp;
    char *text;
    struct span target;
    struct field *fields; /* fields[1] is the first, fields[0] stays empty */
    size_t size;          /* most fields: one for each line of the text */
    size_t count;
    bool is_complete;
};

/* Makes a span longer by bytes that follow it; llhttp may tell one word in several calls. */
static void span_grow(struct span *span, const char *at, size_t bytes)
{
    if (span->start == NULL) {
        span->start = at;
    }
    span->bytes = (size_t)(at - span->start) + bytes;
}

static int on_target(llhttp_t *llhttp, const char *at, size_t bytes)
{
    struct parse *parse = llhttp->data;
    span_grow(&parse->target, at, bytes);
    return 0;
}

static int on_name(llhttp_t *llhttp, const char *at, size_t bytes)
{
    struct parse *parse = llhttp->data;
    struct field *field = &parse->fields[parse->count];
    if (field->name.start == NULL || field->name.start + field->name.bytes != at) {
        if (parse->count == parse->size) {
            return HPE_USER;
        }
        parse->count++;
        field++;
    }
    span_grow(&field->name, at, bytes);
    return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t bytes)
{
    struct parse *parse = llhttp->data;
    span_grow(&parse->fields[parse->count].value, at, bytes);
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct parse *parse = llhttp->data;
    parse->is_complete = true;
    return HPE_PAUSED; /* the body is framing.h's */
}

/* The span as a string without blanks around it; "" where there is none. */
static const char *span_text(const struct parse *parse, const struct span *span)
{
    if (span->bytes == 0) {
        return ""; /* it may begin where the next name does, so nothing is written there */
    }
    char *start = parse->text + (span->start - parse->text);
    char *end = start + span->bytes;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    *end = '\0';
    return start + strspn(start, " \t");
}

/* Makes the list of fields, with room for one more. */
static void take_fields(struct arena *arena, const struct parse *parse, struct headers *headers)
{
    headers->items = arena_alloc(arena, (parse->count + 1) * sizeof(struct header));
    headers->count = parse->count;
    for (size_t i = 0; i < parse->count; i++) {
        headers->items[i].name = span_text(parse, &parse->fields[i + 1].name);
        headers->items[i].value = span_text(parse, &parse->fields[i + 1].value);
    }
}

static enum http_method method_of(llhttp_t *llhttp)
{
    static const struct {
        uint8_t theirs;
        enum http_method ours;
    } known[] = {
        {HTTP_GET, HTTP_GET_},         {HTTP_HEAD, HTTP_HEAD_},   {HTTP_POST, HTTP_POST_},
        {HTTP_PUT, HTTP_PUT_},         {HTTP_PATCH, HTTP_PATCH_}, {HTTP_DELETE, HTTP_DELETE_},
        {HTTP_OPTIONS, HTTP_OPTIONS_},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].theirs == llhttp_get_method(llhttp)) {
            return known[i].ours;
        }
    }
    return HTTP_OTHER_;
}

/* The text between the target and the end of the request line: llhttp also reads RTSP/1.0 and ICE/1.0 there. */
static int take_version(struct parse *parse, struct http_head *head, struct err *err)
{
    const char *version = parse->target.start + parse->target.bytes;
    if (text_starts_with(version, " HTTP/1.1\r")) {
        head->is_http_1_0 = false;
    } else if (text_starts_with(version, " HTTP/1.0\r")) {
        head->is_http_1_0 = true;
    } else {
        return err_set(err, ERR_BAD_REQUEST, "a version that is neither HTTP/1.1 nor HTTP/1.0");
    }
    return 0;
}

/* Cuts "http://authority" off an absolute target; the authority becomes the request's Host. */
static int take_authority(struct arena *arena, const char **target, struct headers *headers, struct err *err)
{
    const char *scheme_end = strstr(*target, "://");
    size_t scheme = scheme_end == NULL ? 0 : (size_t)(scheme_end - *target);
    bool is_known = (scheme == 4 && strncasecmp(*target, "http", 4) == 0) ||
                    (scheme == 5 && strncasecmp(*target, "https", 5) == 0);
    if (!is_known) {
        return err_set(err, ERR_BAD_REQUEST, "a request target that is neither a path nor an http URL");
    }
    const char *authority = scheme_end + 3;
    size_t bytes = strcspn(authority, "/?");
    const char *host = arena_copy(arena, authority, bytes);
    if (!headers_is_host(host)) {
        return err_set(err, ERR_BAD_REQUEST, "a request target without a well-formed host");
    }
    if (headers_count(headers, "host") == 0) {
        headers->items[headers->count++].name = "Host"; /* HTTP/1.0; take_fields left room for it */
    }
    for (size_t i = 0; i < headers->count; i++) {
        if (text_equal_nocase(headers->items[i].name, "host")) {
            headers->items[i].value = host;
        }
    }
    *target = authority[bytes] == '/' ? authority + bytes : arena_format(arena, "/%s", authority + bytes);
    return 0;
}

static int take_target(struct arena *arena, struct parse *parse, struct http_head *head, struct err *err)
{
    const char *target = span_text(parse, &parse->target);
    if (strchr(target, '#') != NULL) {
        return err_set(err, ERR_BAD_REQUEST, "a fragment in the request target");
    }
    if (strcmp(target, "*") == 0) {
        if (head->method != HTTP_OPTIONS_) {
            return err_set(err, ERR_BAD_REQUEST, "the target * with another method than OPTIONS");
        }
        target = "/";
    }
    if (target[0] != '/' && take_authority(arena, &target, &head->headers, err) != 0) {
        return -1;
    }
    size_t path_bytes = strcspn(target, "?");
    head->query = target[path_bytes] == '?' ? target + path_bytes + 1 : "";
    head->path = query_decode_path(arena, target, path_bytes);
    if (head->path == NULL) {
        return err_set(err, ERR_BAD_REQUEST, "a path with a broken or forbidden escape");
    }
    return 0;
}

static int check_host(const struct http_head *head, struct err *err)
{
    size_t count = headers_count(&head->headers, "host");
    if (count > 1 || (count == 0 && !head->is_http_1_0)) {
        return err_set(err, ERR_BAD_REQUEST, "%zu Host fields", count);
    }
    if (count == 1 && !headers_is_host(headers_first(&head->headers, "host"))) {
        return err_set(err, ERR_BAD_REQUEST, "a Host field that is no host");
    }
    return 0;
}

/* How the body is framed (RFC 9112, 6.3), where every doubt is refused: a proxy before us might have read it otherwise. */
static int take_framing(struct http_head *head, struct err *err)
{
    const struct headers *headers = &head->headers;
    size_t lengths = headers_count(headers, "content-length");
    size_t codings = headers_count(headers, "transfer-encoding");
    head->content_length = -1;
    if (lengths + codings > 1) {
        return err_set(err, ERR_BAD_REQUEST, "more than one field that frames the body");
    }
    if (codings == 1) {
        if (head->is_http_1_0 || !text_equal_nocase(headers_first(headers, "transfer-encoding"), "chunked")) {
            return err_set(err, ERR_BAD_REQUEST, "a Transfer-Encoding that is not taken here");
        }
        head->is_chunked = true;
    }
    if (lengths == 1) {
        const char *length = headers_first(headers, "content-length");
        if (strspn(length, "0123456789") != strlen(length) ||
            text_int64(length, 0, INT64_MAX, &head->content_length) != 0) {
            return err_set(err, ERR_BAD_REQUEST, "a Content-Length that is no length");
        }
    }
    return 0;
}

static int take_connection(struct http_head *head, struct err *err)
{
    const struct headers *headers = &head->headers;
    if (headers_count(headers, "upgrade") > 0) {
        return err_set(err, ERR_BAD_REQUEST, "an upgrade is not offered here");
    }
    bool has_close = headers_has_token(headers, "connection", "close");
    bool has_keep_alive = headers_has_token(headers, "connection", "keep-alive");
    head->wants_keep_alive = !has_close && (!head->is_http_1_0 || has_keep_alive);
    /* a client of HTTP/1.0 can not wait for 100 (RFC 9110, 10.1.1) */
    const char *expect = head->is_http_1_0 ? NULL : headers_first(headers, "expect");
    if (expect != NULL) {
        head->expects_continue =
            text_equal_nocase(expect, "100-continue") && headers_count(headers, "expect") == 1;
        head->has_bad_expectation = !head->expects_continue;
    }
    return 0;
}

static int run_llhttp(struct parse *parse, size_t bytes, struct err *err)
{
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_url = on_target;
    settings.on_header_field = on_name;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_headers_complete;
    llhttp_init(&parse->llhttp, HTTP_REQUEST, &settings);
    parse->llhttp.data = parse;
    llhttp_errno_t result = llhttp_execute(&parse->llhttp, parse->text, bytes);
    if (result != HPE_PAUSED || !parse->is_complete || parse->target.start == NULL) {
        const char *reason = llhttp_get_error_reason(&parse->llhttp);
        return err_set(err, ERR_BAD_REQUEST, "llhttp: %s", reason == NULL ? "the head does not end" : reason);
    }
    if (llhttp_get_method(&parse->llhttp) == HTTP_CONNECT) {
        return err_set(err, ERR_BAD_REQUEST, "CONNECT is not offered here");
    }
    return 0;
}

int parse_head(struct arena *arena, char *text, size_t bytes, struct http_head *head, struct err *err)
{
    struct parse *parse = arena_alloc(arena, sizeof *parse);
    parse->text = text;
    for (size_t i = 0; i < bytes; i++) {
        parse->size += text[i] == '\n';
    }
    parse->fields = arena_alloc(arena, (parse->size + 1) * sizeof(struct field));
    struct http_head read = {.method = HTTP_OTHER_};
    if (run_llhttp(parse, bytes, err) != 0 || take_version(parse, &read, err) != 0) {
        return -1;
    }
    read.method = method_of(&parse->llhttp);
    take_fields(arena, parse, &read.headers);
    if (check_host(&read, err) != 0 || take_target(arena, parse, &read, err) != 0 ||
        take_framing(&read, err) != 0 || take_connection(&read, err) != 0) {
        return -1;
    }
    *head = read;
    return 0;
}
