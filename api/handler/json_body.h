// SPDX-License-Identifier: Apache-2.0
/*
 * The body of a request that is a JSON object, or left out.
 */
#ifndef PIXMILL_HANDLER_JSON_BODY_H
#define PIXMILL_HANDLER_JSON_BODY_H

#include "common/base/err.h"

#include <jansson.h>

struct call;
struct request;

enum { JSON_BODY_MOST_BYTES = 1024 * 1024 };

/* True where a request says that its body is JSON. */
bool json_body_is_told(const struct request *request);

/*
 * Reads it: *body is then an object that the caller owns, an empty one where the request has no body. Errors:
 * ERR_UNSUPPORTED_MEDIA_TYPE, ERR_BAD_REQUEST where it is no object or has a key twice, and those of request_read_whole.
 */
void json_body_read(struct call *call, json_t **body, done_fn done, void *owner);

#endif
