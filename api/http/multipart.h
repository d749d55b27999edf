// SPDX-License-Identifier: Apache-2.0
/*
 * A streaming reader of multipart/form-data (RFC 7578, RFC 2046 5.1). Pure: bytes in, events out, in pieces of any size. Holds one
 * part's header at most, and no data. Every count has a limit: 128 parts, 4 KiB a header, 64 KiB of headers in all.
 */
#ifndef PIXMILL_HTTP_MULTIPART_H
#define PIXMILL_HTTP_MULTIPART_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct multipart;

/* What a part's header says. The strings are the arena's. */
struct multipart_part {
    const char *name;         /* of the field; UTF-8 */
    const char *file_name;    /* NULL where the part is no file; last path component only; "" is possible */
    const char *content_type; /* NULL where not given */
};

/*
 * What the reader tells, in order: on_part, then on_data any number of times, then on_part_end; for each part. A function that returns
 * false stops the reading: multipart_feed then returns early, telling how much was taken.
 */
struct multipart_events {
    bool (*on_part)(void *owner, const struct multipart_part *part);
    bool (*on_data)(void *owner, const char *data, size_t bytes);
    bool (*on_part_end)(void *owner);
};

/* Reads the boundary out of a Content-Type value. NULL with ERR_UNSUPPORTED_MEDIA_TYPE or ERR_BAD_REQUEST. Memory is the arena's. */
struct multipart *multipart_new(struct arena *arena, const char *content_type,
                                const struct multipart_events *events, void *owner, struct err *err);

/*
 * Takes bytes. *taken is how many were used: all of them, unless an event returned false (the event counts as delivered; feed the rest
 * later). Returns 0, or -1 with ERR_BAD_REQUEST where they are no form data or go over a limit.
 */
int multipart_feed(struct multipart *multipart, const char *data, size_t bytes, size_t *taken,
                   struct err *err) MUST_CHECK;

/* Tells that the body has ended. Returns 0, or -1 with ERR_BAD_REQUEST where the closing boundary was missing. */
int multipart_end(struct multipart *multipart, struct err *err) MUST_CHECK;

#endif
