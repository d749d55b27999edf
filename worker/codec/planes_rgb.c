// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/planes_rgb.h"

#include <stdint.h>
#include <string.h>

enum { BANDS = 3, BITS = 16, HALF = 1 << (BITS - 1) };

/* JFIF 1.02 with 16 bits of fraction; those of luma sum up to one, those of each chroma to nothing */
enum {
    Y_RED = 19595,
    Y_GREEN = 38470,
    Y_BLUE = 7471,
    CB_RED = -11058,
    CB_GREEN = -21710,
    CB_BLUE = 32768,
    CR_RED = 32768,
    CR_GREEN = -27439,
    CR_BLUE = -5329
};

static void put_luma(const unsigned char *restrict rgb, unsigned char *restrict out, size_t count)
{
    for (size_t x = 0; x < count; x++, rgb += BANDS) {
        out[x] = (unsigned char)((Y_RED * rgb[0] + Y_GREEN * rgb[1] + Y_BLUE * rgb[2] + HALF) >> BITS);
    }
}

/* Of the sums of four pixels. Just less than a half rounds, or else the bluest and the reddest would come to 256. */
static void put_chroma(const unsigned char *restrict above, const unsigned char *restrict below,
                       unsigned char *restrict cb, unsigned char *restrict cr, size_t count)
{
    enum { DOWN_BITS = BITS + 2, PAIR_BYTES = 2 * BANDS };
    const int32_t middle = (128 << DOWN_BITS) + (1 << (DOWN_BITS - 1)) - 1;
    for (size_t x = 0; x < count; x++, above += PAIR_BYTES, below += PAIR_BYTES) {
        int32_t red = above[0] + above[3] + below[0] + below[3];
        int32_t green = above[1] + above[4] + below[1] + below[4];
        int32_t blue = above[2] + above[5] + below[2] + below[5];
        cb[x] = (unsigned char)((CB_RED * red + CB_GREEN * green + CB_BLUE * blue + middle) >> DOWN_BITS);
        cr[x] = (unsigned char)((CR_RED * red + CR_GREEN * green + CR_BLUE * blue + middle) >> DOWN_BITS);
    }
}

void planes_put_rgb(const struct planes *planes, int y, unsigned char *above, unsigned char *below)
{
    size_t width = (size_t)planes->plane[PLANES_Y].width_px;
    put_luma(above, plane_row(&planes->plane[PLANES_Y], y), width);
    if (y + 1 < planes->plane[PLANES_Y].height_px) {
        put_luma(below, plane_row(&planes->plane[PLANES_Y], y + 1), width);
    }
    /* the last column of an odd count pairs with itself */
    memcpy(above + width * BANDS, above + (width - 1) * BANDS, BANDS);
    memcpy(below + width * BANDS, below + (width - 1) * BANDS, BANDS);
    put_chroma(above, below, plane_row(&planes->plane[PLANES_CB], y / 2),
               plane_row(&planes->plane[PLANES_CR], y / 2), (width + 1) / 2);
}
