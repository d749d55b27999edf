// SPDX-License-Identifier: Apache-2.0
/*
 * `Prefer: wait=N` (RFC 7240, 4.3): holds an answer until an image has settled, as far as the client asked for it.
 */
#ifndef PIXMILL_HANDLER_SETTLE_H
#define PIXMILL_HANDLER_SETTLE_H

#include "api/route/call.h"
#include "common/base/err.h"

#include <stdbool.h>

struct db_image;

/* The seconds that a request asks to wait, at most 30; 0: none. */
int settle_seconds(const struct request *request);

/* True for an image that is ready or failed. */
bool settle_is_settled(const struct db_image *image);

/*
 * Reads *image anew until it has settled, `seconds` have passed or the server stops; *image is then as it was read last. Adds
 * Preference-Applied to the answer. Fails only with ERR_NOT_FOUND: the image was removed meanwhile.
 */
void settle_wait(struct call *call, struct db_image *image, int seconds, done_fn done, void *owner);

#endif
