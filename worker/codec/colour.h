// SPDX-License-Identifier: Apache-2.0
/*
 * Brings an image of any colour space to 8-bit sRGB.
 */
#ifndef PIXMILL_CODEC_COLOUR_H
#define PIXMILL_CODEC_COLOUR_H

#include "common/base/err.h"

#include <vips/vips.h>

/*
 * Makes *out (the caller's to g_object_unref): 8-bit sRGB with 3 bands, or 4 where `in` has alpha. An embedded ICC profile is
 * honoured with the relative intent (the perceptual one where the profile has no relative table); one that is broken or of
 * another colour space than the image is ignored with a note in the log. Images without a profile are taken as sRGB, CMYK as
 * a common press. Returns 0, or -1 with ERR_CORRUPT_IMAGE or ERR_OUT_OF_MEMORY. Pixels are computed later, when *out is read.
 */
int colour_to_srgb(VipsImage *in, VipsImage **out, struct err *err) MUST_CHECK;

/* Makes *out, 3 bands, from 8-bit sRGB with alpha over a background. Returns 0, or -1 with *err. */
int colour_flatten(VipsImage *in, const unsigned char background[3], VipsImage **out,
                   struct err *err) MUST_CHECK;

#endif
