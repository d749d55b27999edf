// SPDX-License-Identifier: Apache-2.0
/*
 * One HTTP request as a handler sees it (RFC 9110, RFC 9112). The connection owns it; it lives until it is answered with
 * one of response.h's functions, exactly once, and its arena lives as long. A handler that waits for something keeps the
 * request; a client that goes away meanwhile is not told to it (but see request_read_body), and its answer is dropped.
 */
#ifndef PIXMILL_HTTP_REQUEST_H
#define PIXMILL_HTTP_REQUEST_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct request;

enum http_method {
    HTTP_GET_,
    HTTP_HEAD_,
    HTTP_POST_,
    HTTP_PUT_,
    HTTP_PATCH_,
    HTTP_DELETE_,
    HTTP_OPTIONS_,
    HTTP_OTHER_
};

/* Called for every request when its head has been read and found well-formed. It must answer, then or later. */
typedef void (*http_request_fn)(void *owner, struct request *request);

/* HEAD is given as HTTP_HEAD_; the response's body is dropped for it by response.c. */
enum http_method request_method(const struct request *request);
const char *http_method_word(enum http_method method);

/* The path, percent-decoded, always starting with "/", without the query. A path with an encoded "/" or NUL is refused before. */
const char *request_path(const struct request *request);

/* The raw query, without "?"; "" where there is none. query.h reads it. */
const char *request_query(const struct request *request);

/* The value of the header field (name in any case), NULL where absent. Repeated fields are joined with ", ". */
const char *request_header(const struct request *request, const char *name);

/* X-Request-Id: the caller's where it is well-formed, else a fresh UUID. */
const char *request_id(const struct request *request);

/* The address of the peer of the connection, without port. */
const char *request_peer(const struct request *request);

/* Memory that goes with the request. */
struct arena *request_arena(struct request *request);

/* What the handler keeps with the request: any pointer. */
void request_set_context(struct request *request, void *context);
void *request_context(const struct request *request);

/* True where the request has a body (Content-Length over 0, or chunked). */
bool request_has_body(const struct request *request);

/* The announced Content-Length in bytes; -1 where the body is chunked or absent. */
int64_t request_content_length(const struct request *request);

/* Bytes of the body that came so far, without their framing. */
int64_t request_body_bytes(const struct request *request);

/*
 * Who takes a body. Pieces come one at a time: after on_data no more is read from the client until request_read_more, and
 * data lives until then. Each call of request_read_body or request_read_more is answered by exactly one of the three; on_data may
 * ask for more at once. The last is on_end or on_abort, unless the request was answered before: then none comes any more. on_abort
 * tells by its err's code why the body ended early: ERR_CANCELLED (the client left), ERR_REQUEST_TIMEOUT (it paused too long),
 * ERR_BODY_TOO_LARGE, ERR_BAD_REQUEST (not well framed), ERR_SHUTDOWN (the listener's grace is over). The request must be answered
 * after either; after on_abort the answer is sent where the connection still can carry it, then the connection is closed.
 */
struct body_sink {
    void (*on_data)(void *owner, const char *data, size_t bytes);
    void (*on_end)(void *owner);
    void (*on_abort)(void *owner, const struct err *err);
};

/*
 * Starts reading the body, at most max_bytes of it (ERR_BODY_TOO_LARGE over that, refused at once by Content-Length), and sends
 * 100 Continue where it is expected (RFC 9110, 10.1.1). Once a request. The first piece comes after this has returned; a request
 * without a body gets on_end. Answering before the body has been read is allowed: a short rest is then read over; after a longer
 * one the connection is closed, in such a way that the client can read the answer while it still sends.
 */
void request_read_body(struct request *request, int64_t max_bytes, const struct body_sink *sink, void *owner);

/* Lets the next piece come. */
void request_read_more(struct request *request);

/*
 * Reads a body of at most max_bytes whole into the arena: *data (NUL-terminated), *bytes; then done, with the errors of
 * body_sink's on_abort, or ERR_OVERLOADED where memory is short. Instead of request_read_body.
 */
void request_read_whole(struct request *request, int64_t max_bytes, const char **data, size_t *bytes,
                        done_fn done, void *owner);

#endif
