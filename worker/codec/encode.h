// SPDX-License-Identifier: Apache-2.0
/*
 * From pixels to a variant's bytes. No metadata is written; the same pixels and options give the same bytes.
 */
#ifndef PIXMILL_CODEC_ENCODE_H
#define PIXMILL_CODEC_ENCODE_H

#include "common/base/err.h"
#include "common/image/profile.h"

#include <stddef.h>
#include <vips/vips.h>

struct encode_bytes {
    unsigned char *data; /* owned; encode_bytes_release frees it */
    size_t bytes;
    void (*release)(void *data);
};

/*
 * Encodes an image in memory (8-bit, 3 bands; 4 for a WebP or PNG that keeps alpha) in the variant's format: JPEG baseline,
 * optimized Huffman tables, 4:2:0; WebP lossy by libwebp; PNG without filters of our own. Returns 0, or -1 with ERR_TOO_LARGE
 * where a side is beyond the format, ERR_OUT_OF_MEMORY or ERR_INTERNAL.
 */
int encode_image(VipsImage *image, const struct profile_variant *variant, struct encode_bytes *out,
                 struct err *err) MUST_CHECK;

/* Frees the bytes; *out is empty then. */
void encode_bytes_release(struct encode_bytes *out);

#endif
