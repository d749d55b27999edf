// SPDX-License-Identifier: Apache-2.0
/*
 * Reads format and size from the first bytes of a file, as they come: JPEG (ITU-T T.81 B.2.2 and its segments), PNG (W3C PNG
 * 11.2.1), WebP (RFC 9649). Pure and incremental: pieces of any size, nothing kept but a few bytes, no allocation.
 * It decides only what the head says; whether the rest of the file agrees is found by a full decode in a codec.
 */
#ifndef PIXMILL_IMAGE_IMAGE_HEAD_H
#define PIXMILL_IMAGE_IMAGE_HEAD_H

#include "common/base/err.h"
#include "common/image/image_format.h"

#include <stddef.h>
#include <stdint.h>

enum image_head_state {
    IMAGE_HEAD_MORE,   /* more bytes are needed */
    IMAGE_HEAD_DONE,   /* format, width_px and height_px are known */
    IMAGE_HEAD_REFUSED /* err says why: ERR_UNSUPPORTED_FORMAT or ERR_INVALID_IMAGE */
};

struct image_head {
    enum image_head_state state;
    enum image_format format;
    int width_px; /* as stored, before any EXIF orientation */
    int height_px;
    /* how far the reading is; for image_head.c only */
    unsigned char kept[64];
    size_t kept_bytes;
    uint64_t skip_bytes;
    int step;
};

/* Starts at a file's first byte. */
void image_head_init(struct image_head *head);

/* Takes the next bytes. Returns the state; err is set when it becomes IMAGE_HEAD_REFUSED. Bytes after the end are ignored. */
enum image_head_state image_head_feed(struct image_head *head, const void *data, size_t bytes,
                                      struct err *err);

/* Tells that the file has ended: MORE becomes REFUSED (ERR_NO_FILE where there was no byte). Returns the state. */
enum image_head_state image_head_end(struct image_head *head, struct err *err);

#endif
