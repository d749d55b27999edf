// SPDX-License-Identifier: Apache-2.0
/*
 * The last step of every request: writes its one line to the log and hands the answer to the HTTP layer. After any answer_
 * function but answer_note the request and its arena must not be touched. The request's context is its struct call, or NULL
 * where the HTTP layer refused it.
 */
#ifndef PIXMILL_ROUTE_ANSWER_H
#define PIXMILL_ROUTE_ANSWER_H

#include <jansson.h>
#include <stdint.h>

struct err;
struct request;

/* Keeps why a request failed, for its line in the log. */
void answer_note(struct request *request, const struct err *err);

/* Answers with bytes that are copied. content_type may be NULL where bytes is 0. */
void answer(struct request *request, int status, const char *content_type, const void *body, size_t bytes);

/* Answers with JSON, which is taken over. */
void answer_json(struct request *request, int status, json_t *json);

/* As answer_json, with a content type of its own. */
void answer_json_as(struct request *request, int status, const char *content_type, json_t *json);

/* Answers with bytes offset..offset+bytes-1 of a file; takes over fd. */
void answer_file(struct request *request, int status, const char *content_type, int fd, int64_t offset,
                 int64_t bytes);

#endif
