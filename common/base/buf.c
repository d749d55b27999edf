// SPDX-License-Identifier: Apache-2.0
#include "common/base/buf.h"

#include <assert.h>

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_release(struct buf *buf)
{
    free(buf->data);
    buf_init(buf, buf->limit);
}

static int reserve(struct buf *buf, size_t bytes)
{
    if (bytes > buf->limit - buf->used) {
        return -1;
    }
    size_t needed = buf->used + bytes + 1;
    if (needed <= buf->size) {
        return 0;
    }
    size_t size = buf->size < 128 ? 128 : buf->size;
    while (size < needed) {
        size *= 2;
    }
    char *data = realloc(buf->data, size);
    if (data == NULL) {
        return -1;
    }
    buf->data = data;
    buf->size = size;
    return 0;
}

int buf_add(struct buf *buf, const void *data, size_t bytes)
{
    if (reserve(buf, bytes) != 0) {
        return -1;
    }
    if (bytes > 0) {
        memcpy(buf->data + buf->used, data, bytes);
    }
    buf->used += bytes;
    buf->data[buf->used] = '\0';
    return 0;
}

int buf_format(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || reserve(buf, (size_t)length) != 0) {
        return -1;
    }
    va_start(args, format);
    vsnprintf(buf->data + buf->used, (size_t)length + 1, format, args);
    va_end(args);
    buf->used += (size_t)length;
    return 0;
}

void buf_drop(struct buf *buf, size_t bytes)
{
    assert(bytes <= buf->used);
    if (bytes > 0) {
        memmove(buf->data, buf->data + bytes, buf->used - bytes + 1);
        buf->used -= bytes;
    }
}
