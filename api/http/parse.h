// SPDX-License-Identifier: Apache-2.0
/*
 * From the text of a head to a request's parts: llhttp reads it, and what llhttp lets through but must not be (RFC 9112, 3.2, 6.1,
 * 6.3) is refused here. Pure: bytes in, a struct out.
 */
#ifndef PIXMILL_HTTP_PARSE_H
#define PIXMILL_HTTP_PARSE_H

#include "api/http/headers.h"
#include "api/http/request.h"
#include "common/base/err.h"

struct http_head {
    enum http_method method;
    bool is_http_1_0;
    bool is_chunked;          /* the body comes in chunks; content_length is -1 */
    bool wants_keep_alive;    /* the client takes more answers on this connection */
    bool expects_continue;    /* it waits for 100 Continue before it sends the body */
    bool has_bad_expectation; /* it expects something else: 417 */
    int64_t content_length;   /* bytes; -1 where there is no such field */
    const char *path;         /* decoded, starts with "/" ("*" of OPTIONS gives "/") */
    const char *query;        /* raw, without "?" */
    struct headers headers;   /* Host is that of the target where it is in absolute form (RFC 9112, 3.2.2) */
};

/*
 * Reads a whole head as head_reader.h collected it. text is changed in place, and head points into it, so it must live as long; other
 * memory is the arena's. Returns 0, or -1 with ERR_BAD_REQUEST.
 */
int parse_head(struct arena *arena, char *text, size_t bytes, struct http_head *head,
               struct err *err) MUST_CHECK;

#endif
