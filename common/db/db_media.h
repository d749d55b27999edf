// SPDX-License-Identifier: Apache-2.0
/*
 * Which stored files may be served: only those that a row refers to.
 */
#ifndef PIXMILL_DB_DB_MEDIA_H
#define PIXMILL_DB_DB_MEDIA_H

#include "common/base/err.h"
#include "common/image/image_format.h"

#include <stdint.h>

struct arena;
struct db;

struct db_media {
    enum image_format format;
    int64_t bytes;
    const char *sha256; /* hexadecimal where known (originals), else NULL */
};

/* Fills *out for a stored name that an image or a variant has. ERR_NOT_FOUND where none does. */
void db_media_get(struct db *db, struct arena *arena, const char *stored_name, struct db_media *out,
                  done_fn done, void *owner);

#endif
