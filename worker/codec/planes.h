// SPDX-License-Identifier: Apache-2.0
/*
 * An image as JPEG and WebP both keep it: one plane of luma, two of chroma at half its sides (4:2:0, each chroma sample in the
 * middle of its four pixels). Pure computing.
 */
#ifndef PIXMILL_CODEC_PLANES_H
#define PIXMILL_CODEC_PLANES_H

#include "common/base/err.h"

#include <stddef.h>

enum { PLANES_Y, PLANES_CB, PLANES_CR, PLANES_COUNT };

/* Rows and columns are there beyond the sides up to a multiple of this, so that codecs of blocks can read and write whole ones. */
enum { PLANE_BLOCK_PX = 16 };

/* Sides are at least 1. The owner frees it with plane_release. */
struct plane {
    unsigned char *pixels; /* row after row; what is beyond the sides has no meaning */
    int width_px;
    int height_px;
    size_t stride;
};

/* JPEG's levels (JFIF 1.02): 0..255. WebP's (RFC 9649 over ITU-R BT.601): luma 16..235, chroma 16..240. */
enum planes_range { PLANES_FULL, PLANES_STUDIO };

/* plane[PLANES_Y] has the image's sides; the two others have half of them, rounded up. */
struct planes {
    struct plane plane[PLANES_COUNT];
    enum planes_range range;
};

/* Makes a plane whose pixels are not set. Returns 0, or -1 with ERR_OUT_OF_MEMORY. */
int plane_init(struct plane *plane, int width_px, int height_px, struct err *err) MUST_CHECK;

/* Frees the pixels; a plane that is all zero is left alone. */
void plane_release(struct plane *plane);

/* The first pixel of a row. */
static inline unsigned char *plane_row(const struct plane *plane, int y)
{
    return plane->pixels + (size_t)y * plane->stride;
}

/* Makes the three planes of an image, of full range. Returns 0, or -1 with ERR_OUT_OF_MEMORY and nothing to release. */
int planes_init(struct planes *planes, int width_px, int height_px, struct err *err) MUST_CHECK;

/* Frees the three. */
void planes_release(struct planes *planes);

/* Moves the pixels from one to the other; *from is all zero then. */
void planes_move(struct planes *from, struct planes *to);

/*
 * True where planes of these sides can be turned by an EXIF orientation (1..8) by moving samples alone. An odd side on a mirrored axis
 * pairs other pixels than before, and every chroma sample would have to be made anew from two.
 */
bool planes_may_turn(int width_px, int height_px, int orientation);

/* Turns an image upright that is stored in this EXIF orientation; planes_may_turn must say so. Returns 0, or -1 with ERR_OUT_OF_MEMORY. */
int planes_turn(struct planes *planes, int orientation, struct err *err) MUST_CHECK;

/* Bring each sample to the nearest of the other range; planes that are of the wanted one stay as they are. */
void planes_to_studio(struct planes *planes);
void planes_to_full(struct planes *planes);

/* Makes *out as `in` is. It is the caller's to release. Returns 0, or -1 with ERR_OUT_OF_MEMORY. */
int planes_copy(const struct planes *in, struct planes *out, struct err *err) MUST_CHECK;

/* Repeats the last column and row into what is beyond the sides, up to a multiple of PLANE_BLOCK_PX. */
void planes_pad(struct planes *planes);

#endif
