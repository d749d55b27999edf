// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/blurhash.h"

#include <math.h>

enum {
    ACROSS = 4, /* components */
    DOWN = 3,
    LEVELS = 256,
    CELL_BITS = 4,
    CELLS = 1 << CELL_BITS, /* of each channel */
    CHANNELS = 3
};

static const double pi = 3.14159265358979323846;

struct colour {
    double channel[CHANNELS]; /* linear light, 0..1 */
};

struct hash {
    struct colour component[DOWN * ACROSS];
};

static unsigned char over(unsigned above, unsigned alpha, unsigned below)
{
    return (unsigned char)((above * alpha + below * (255 - alpha) + 127) / 255);
}

/* The pixel as it is seen on the background. */
static void pixel_at(const struct blurhash_pixels *pixels, int x, int y, unsigned char out[CHANNELS])
{
    const unsigned char *pixel =
        pixels->data + (size_t)y * pixels->stride + (size_t)x * (size_t)pixels->bands;
    unsigned alpha = pixels->bands == 4 ? pixel[3] : 255;
    for (int i = 0; i < CHANNELS; i++) {
        out[i] = over(pixel[i], alpha, pixels->background[i]);
    }
}

/* IEC 61966-2-1 */
static double linear_of_srgb(int value)
{
    double level = value / 255.0;
    return level <= 0.04045 ? level / 12.92 : pow((level + 0.055) / 1.055, 2.4);
}

static unsigned srgb_of_linear(double value)
{
    double level = fmin(fmax(value, 0), 1);
    level = level <= 0.0031308 ? level * 12.92 : 1.055 * pow(level, 1 / 2.4) - 0.055;
    return (unsigned)(level * 255 + 0.5);
}

/* Adds one row of pixels to the components: summed across first, so that there are few products a pixel. */
static void add_row(const struct blurhash_pixels *pixels, int y, const double linear[LEVELS],
                    struct hash *hash)
{
    struct colour sums[ACROSS] = {{{0}}};
    for (int x = 0; x < pixels->width_px; x++) {
        unsigned char pixel[CHANNELS];
        pixel_at(pixels, x, y, pixel);
        for (int i = 0; i < ACROSS; i++) {
            double weight = cos(pi * i * x / pixels->width_px);
            for (int c = 0; c < CHANNELS; c++) {
                sums[i].channel[c] += weight * linear[pixel[c]];
            }
        }
    }
    for (int j = 0; j < DOWN; j++) {
        double weight = cos(pi * j * y / pixels->height_px);
        for (int i = 0; i < ACROSS; i++) {
            for (int c = 0; c < CHANNELS; c++) {
                hash->component[j * ACROSS + i].channel[c] += weight * sums[i].channel[c];
            }
        }
    }
}

/* The discrete cosine transform, each component with its norm: 1 for the mean, 2 for the others. */
static void transform(const struct blurhash_pixels *pixels, struct hash *hash)
{
    double linear[LEVELS];
    double count = (double)pixels->width_px * pixels->height_px;
    *hash = (struct hash){.component = {{{0}}}};
    for (int i = 0; i < LEVELS; i++) {
        linear[i] = linear_of_srgb(i);
    }
    for (int y = 0; y < pixels->height_px; y++) {
        add_row(pixels, y, linear, hash);
    }
    for (int i = 0; i < ACROSS * DOWN; i++) {
        for (int c = 0; c < CHANNELS; c++) {
            hash->component[i].channel[c] *= (i == 0 ? 1 : 2) / count;
        }
    }
}

static char *put_base83(char *out, unsigned value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = wire_base83[value % WIRE_BASE];
        value /= WIRE_BASE;
    }
    return out + digits;
}

static unsigned quantise(double value, double most)
{
    double ratio = value / most;
    double root = copysign(sqrt(fabs(ratio)), ratio);
    return (unsigned)fmax(0, fmin(18, floor(root * 9 + 9.5)));
}

void blurhash_encode(const struct blurhash_pixels *pixels, char out[WIRE_BLURHASH_CHARACTERS + 1])
{
    struct hash hash;
    double largest = 0;
    transform(pixels, &hash);
    for (int i = 1; i < ACROSS * DOWN; i++) {
        for (int c = 0; c < CHANNELS; c++) {
            largest = fmax(largest, fabs(hash.component[i].channel[c]));
        }
    }
    unsigned scale = (unsigned)fmax(0, fmin(82, floor(largest * 166 - 0.5)));
    double most = (scale + 1) / 166.0;
    const double *mean = hash.component[0].channel;
    out = put_base83(out, (ACROSS - 1) + (DOWN - 1) * 9, 1);
    out = put_base83(out, scale, 1);
    out = put_base83(
        out, srgb_of_linear(mean[0]) << 16 | srgb_of_linear(mean[1]) << 8 | srgb_of_linear(mean[2]), 4);
    for (int i = 1; i < ACROSS * DOWN; i++) {
        const double *channel = hash.component[i].channel;
        unsigned value = quantise(channel[0], most) * 19 * 19 + quantise(channel[1], most) * 19 +
                         quantise(channel[2], most);
        out = put_base83(out, value, 2);
    }
    *out = '\0';
}

struct cell {
    unsigned count;
    unsigned sum[CHANNELS];
};

struct cube {
    struct cell cells[CELLS][CELLS][CELLS];
};

static void add_cell(struct cell *to, const struct cell *from)
{
    to->count += from->count;
    for (int i = 0; i < CHANNELS; i++) {
        to->sum[i] += from->sum[i];
    }
}

static struct cell window_at(const struct cube *cube, int r, int g, int b)
{
    struct cell window = {.count = 0};
    for (int i = 0; i < 8; i++) {
        add_cell(&window, &cube->cells[r + (i & 1)][g + (i >> 1 & 1)][b + (i >> 2)]);
    }
    return window;
}

void blurhash_dominant_colour(const struct blurhash_pixels *pixels, unsigned char out[3])
{
    struct cube cube;
    struct cell best = {.count = 0};
    memset(&cube, 0, sizeof cube);
    for (int y = 0; y < pixels->height_px; y++) {
        for (int x = 0; x < pixels->width_px; x++) {
            unsigned char pixel[CHANNELS];
            pixel_at(pixels, x, y, pixel);
            const struct cell one = {.count = 1, .sum = {pixel[0], pixel[1], pixel[2]}};
            add_cell(&cube.cells[pixel[0] >> (8 - CELL_BITS)][pixel[1] >> (8 - CELL_BITS)]
                                [pixel[2] >> (8 - CELL_BITS)],
                     &one);
        }
    }
    for (int i = 0; i < (CELLS - 1) * (CELLS - 1) * (CELLS - 1); i++) {
        struct cell window =
            window_at(&cube, i / ((CELLS - 1) * (CELLS - 1)), i / (CELLS - 1) % (CELLS - 1), i % (CELLS - 1));
        if (window.count > best.count) {
            best = window;
        }
    }
    for (int i = 0; i < CHANNELS; i++) {
        out[i] = (unsigned char)((best.sum[i] + best.count / 2) / best.count);
    }
}
