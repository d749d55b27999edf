// SPDX-License-Identifier: Apache-2.0
/*
 * A growing run of bytes with a limit that is named when it is made. Embedded in its owner: buf_init, buf_release.
 */
#ifndef PIXMILL_BASE_BUF_H
#define PIXMILL_BASE_BUF_H

#include "common/base/err.h"

#include <stddef.h>

struct buf {
    char *data;   /* owned; NULL while empty; data[used] is NUL where data is not NULL */
    size_t used;  /* bytes that hold something, without the NUL */
    size_t size;  /* bytes that were allocated */
    size_t limit; /* most bytes that may be used */
};

/* An empty buffer that will hold at most `limit` bytes. */
void buf_init(struct buf *buf, size_t limit);

/* Frees the bytes; the buffer is empty and usable again. */
void buf_release(struct buf *buf);

/* Adds bytes at the end. Returns 0, or -1 (nothing added) over the limit or out of memory. */
int buf_add(struct buf *buf, const void *data, size_t bytes) MUST_CHECK;

/* Adds a formatted string at the end. Returns 0 or -1 as buf_add. */
int buf_format(struct buf *buf, const char *format, ...) MUST_CHECK PRINTF_LIKE(2, 3);

/* Drops `bytes` bytes (at most buf->used) from the front; the rest moves down. */
void buf_drop(struct buf *buf, size_t bytes);

#endif
