// SPDX-License-Identifier: Apache-2.0
/*
 * Makes planes of RGB, two rows at a time. Pure computing.
 */
#ifndef PIXMILL_CODEC_PLANES_RGB_H
#define PIXMILL_CODEC_PLANES_RGB_H

#include "worker/codec/planes.h"

/*
 * Puts rows y and y + 1 (y is even) into planes of full range: luma and chroma as JFIF 1.02 has them, rounded to the nearest, chroma of
 * the mean of four pixels. Rows have 3 bytes a pixel and room for one pixel more, which is written to. For a last row that has no
 * other, give it as both.
 */
void planes_put_rgb(const struct planes *planes, int y, unsigned char *above, unsigned char *below);

#endif
