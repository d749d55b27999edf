// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a lossy WebP into planes, as libwebp has them before it would make colours: still, opaque, with or without metadata.
 */
#ifndef PIXMILL_CODEC_WEBP_READ_H
#define PIXMILL_CODEC_WEBP_READ_H

#include "worker/codec/planes.h"

struct webp_read;

/*
 * Looks at a WebP in memory, which must live until the close. NULL where its chunks are broken, or the image is not one that can be
 * read into planes (lossless, animated, with alpha): another decoder has the last word then. The caller closes it.
 */
struct webp_read *webp_read_open(const unsigned char *data, size_t bytes);

/* The sides of the picture. */
int webp_read_width_px(const struct webp_read *webp);
int webp_read_height_px(const struct webp_read *webp);

/* The ICC profile, which is a part of the file. NULL where there is none. */
const unsigned char *webp_read_icc(const struct webp_read *webp, size_t *bytes);

/*
 * Decodes the image. *planes, of studio range, is the caller's to release. Returns 0, or -1 with ERR_CORRUPT_IMAGE (the data ends early,
 * or can not be decoded) or ERR_OUT_OF_MEMORY.
 */
int webp_read_planes(const struct webp_read *webp, struct planes *planes, struct err *err) MUST_CHECK;

/* Frees it; NULL is fine. */
void webp_read_close(struct webp_read *webp);

#endif
