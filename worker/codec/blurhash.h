// SPDX-License-Identifier: Apache-2.0
/*
 * What stands for a picture before it is there: a BlurHash (blurha.sh; its specification is github.com/woltapp/blurhash
 * Algorithm.md) and one colour. Pure computing on few pixels: give it a thumbnail.
 */
#ifndef PIXMILL_CODEC_BLURHASH_H
#define PIXMILL_CODEC_BLURHASH_H

#include "worker/wire/wire.h"

#include <stddef.h>

/* Pixels in sRGB, rows `stride` bytes apart; of 4 bands the last is alpha, and the picture is seen on the background. */
struct blurhash_pixels {
    const unsigned char *data;
    int width_px;
    int height_px;
    int bands; /* 3 or 4 */
    size_t stride;
    unsigned char background[3];
};

/* Writes the BlurHash of 4 x 3 components: WIRE_BLURHASH_CHARACTERS of the base 83 alphabet and a NUL. */
void blurhash_encode(const struct blurhash_pixels *pixels, char out[WIRE_BLURHASH_CHARACTERS + 1]);

/*
 * Finds the colour that most of the picture has: the mean of the fullest window of a coarse colour cube. Windows are an eighth of a
 * channel wide and overlap by half, so that no colour is torn apart by a border.
 */
void blurhash_dominant_colour(const struct blurhash_pixels *pixels, unsigned char out[3]);

#endif
