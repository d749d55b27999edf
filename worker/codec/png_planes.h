// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a PNG into planes, row by row: up to 8 bits, grey, colours or palette, its alpha flattened on the way. What is checked of the
 * compressed pixels is what png_data_is_sound checks, without inflating them twice.
 */
#ifndef PIXMILL_CODEC_PNG_PLANES_H
#define PIXMILL_CODEC_PNG_PLANES_H

#include "worker/codec/planes.h"

struct png_planes;

/*
 * Reads what comes before the pixels of a PNG in memory, which must live until the close; checksums of chunks that matter were found
 * right. background: what alpha is flattened on; where it is NULL, images with alpha are not read. NULL where the header is
 * broken, or the image is not one that can be read into planes (16 bits, interlaced): another decoder has the last word then.
 * The caller closes it.
 */
struct png_planes *png_planes_open(const unsigned char *data, size_t bytes, const unsigned char *background);

/* The sides as the header has them. */
int png_planes_width_px(const struct png_planes *png);
int png_planes_height_px(const struct png_planes *png);

/* True where there is no ICC profile, or one that means sRGB and is for colours as the image has them. */
bool png_planes_is_srgb(const struct png_planes *png);

/*
 * Decodes the pixels. *planes, of full range, is the caller's to release. Once after an open. Returns 0, or -1 with ERR_CORRUPT_IMAGE (the
 * data ends early, or can not be decoded) or ERR_OUT_OF_MEMORY.
 */
int png_planes_read(struct png_planes *png, struct planes *planes, struct err *err) MUST_CHECK;

/* Frees it; NULL is fine. */
void png_planes_close(struct png_planes *png);

#endif
