// SPDX-License-Identifier: Apache-2.0
/*
 * The answer to a request (RFC 9110). First any header fields, then exactly one of the respond_ functions, after which
 * request and arena must not be touched. Date, Content-Length, Connection, X-Request-Id and
 * X-Content-Type-Options: nosniff are added here. HEAD and 204/304 get no body.
 */
#ifndef PIXMILL_HTTP_RESPONSE_H
#define PIXMILL_HTTP_RESPONSE_H

#include <stddef.h>
#include <stdint.h>

struct request;

/* What HTTP calls a status ("Not Found", RFC 9110 15); "" for one that is not used here. Static memory. */
const char *response_reason(int status);

/* Adds a header field; name and value are copied. A field whose value is NULL or holds CR or LF is dropped whole. */
void response_header(struct request *request, const char *name, const char *value);

/*
 * Answers with a body that is copied. content_type may be NULL where bytes is 0. A 503 or 429 gets "Retry-After: 1" where no
 * Retry-After was added.
 */
void respond(struct request *request, int status, const char *content_type, const void *body, size_t bytes);

/*
 * Answers with `bytes` bytes of a file from offset on. Takes over fd and closes it. The file is read on the thread pool as the
 * client takes it. A file that turns out shorter cuts the connection.
 */
void respond_file(struct request *request, int status, const char *content_type, int fd, int64_t offset,
                  int64_t bytes);

#endif
