// SPDX-License-Identifier: Apache-2.0
/*
 * Rows first: a row of the result is the weighted sum of rows of the input, kept in 16 bits with its fraction; columns of that are
 * then summed. Weights have 14 bits of fraction and sum up to exactly one, so an even surface keeps its value. The loops are
 * written for the compiler's vectorizer: plain arrays, 16-bit factors, 32-bit sums, counts that are multiples of eight.
 */
#include "worker/codec/planes_resize.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOBES = 3,
    WEIGHT_BITS = 14,
    FRACTION_BITS = 6, /* of a row between the two sums: 255 and Lanczos' overshoot just fit in 16 bits */
    LANES = 8,
    CHUNK_PX =
        512 /* columns that are summed at a time: their sums and the rows they come from stay in the first cache */
};

/* The samples that one sample of the result is summed from. */
struct window {
    int start;
    int count;
};

/* The windows of one axis, with the weights of each. */
struct windows {
    int count;
    int span;               /* of each window's weights: a multiple of LANES; those beyond the window are 0 */
    struct window *windows; /* [count] */
    int16_t *weights;       /* [count * span] */
};

/*
 * Lanczos' kernel at count positions from `at` in steps of `step`: sinc(x) sinc(x / 3). The sines of evenly spaced angles follow
 * from one another by the rotation of a pointer.
 */
static void lanczos(double at, double step, int count, double *out)
{
    const double pi = 3.14159265358979323846;
    double sine = sin(pi * at);
    double cosine = cos(pi * at);
    double slow_sine = sin(pi * at / LOBES);
    double slow_cosine = cos(pi * at / LOBES);
    const double turn_sine = sin(pi * step);
    const double turn_cosine = cos(pi * step);
    const double slow_turn_sine = sin(pi * step / LOBES);
    const double slow_turn_cosine = cos(pi * step / LOBES);
    for (int i = 0; i < count; i++) {
        double x = at + i * step;
        out[i] = fabs(x) >= LOBES ? 0 : fabs(x) < 1e-6 ? 1 : LOBES * sine * slow_sine / (pi * pi * x * x);
        double next = sine * turn_cosine + cosine * turn_sine;
        cosine = cosine * turn_cosine - sine * turn_sine;
        sine = next;
        next = slow_sine * slow_turn_cosine + slow_cosine * slow_turn_sine;
        slow_cosine = slow_cosine * slow_turn_cosine - slow_sine * slow_turn_sine;
        slow_sine = next;
    }
}

/*
 * Weights of 14 bits whose sum is exactly one: each is the step of the rounded running sum, so that what one loses by rounding the
 * next one gets.
 */
static void normalize(const double *exact, int count, int16_t *weights)
{
    double sum = 0;
    double passed = 0;
    long given = 0;
    for (int i = 0; i < count; i++) {
        sum += exact[i];
    }
    for (int i = 0; i < count; i++) {
        passed += exact[i];
        long wanted = lrint(passed / sum * (1 << WEIGHT_BITS));
        weights[i] = (int16_t)(wanted - given);
        given = wanted;
    }
}

static void windows_release(struct windows *windows)
{
    free(windows->windows);
    free(windows->weights);
}

/* scale: how many samples of `from` make one of `to`; at least 1. */
static int windows_init(struct windows *windows, int from, int to, double scale, struct err *err)
{
    double reach = LOBES * scale;
    int most = (int)(2 * reach) + 1;
    int span = (most + LANES - 1) / LANES * LANES;
    double *exact = calloc((size_t)span, sizeof *exact);
    *windows = (struct windows){.count = to,
                                .span = span,
                                .windows = calloc((size_t)to, sizeof *windows->windows),
                                .weights = calloc((size_t)to * (size_t)span, sizeof *windows->weights)};
    if (exact == NULL || windows->windows == NULL || windows->weights == NULL) {
        free(exact);
        windows_release(windows);
        return err_set(err, ERR_OUT_OF_MEMORY, "no memory for the weights of %d samples", to);
    }
    for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * scale;
        /* the samples whose middles are within reach, and at least one */
        int first = (int)fmax(0, fmin(ceil(centre - reach - 0.5), from - 1));
        int end = (int)fmax(first + 1, fmin(floor(centre + reach + 0.5), from));
        int count = end - first < span ? end - first : span;
        lanczos((first + 0.5 - centre) / scale, 1 / scale, count, exact);
        normalize(exact, count, windows->weights + (size_t)i * (size_t)span);
        windows->windows[i] = (struct window){.start = first, .count = count};
    }
    free(exact);
    return 0;
}

/* Adds two weighted rows to the sums of a chunk. */
static void add_rows(int32_t *restrict sums, const unsigned char *restrict a, const unsigned char *restrict b,
                     const int16_t weights[2], size_t count)
{
    const int16_t weight_a = weights[0];
    const int16_t weight_b = weights[1];
    for (size_t x = 0; x < count; x++) {
        sums[x] += (int16_t)a[x] * weight_a + (int16_t)b[x] * weight_b;
    }
}

/* One row of the result, as wide as the input: the weighted sum of the rows of window i. */
static void sum_rows(const struct plane *in, const struct windows *rows, int i, int16_t *restrict out)
{
    const int16_t *weights = rows->weights + (size_t)i * (size_t)rows->span;
    const struct window *window = &rows->windows[i];
    for (int left = 0; left < in->width_px; left += CHUNK_PX) {
        int32_t sums[CHUNK_PX];
        size_t width = (size_t)(in->width_px - left < CHUNK_PX ? in->width_px - left : CHUNK_PX);
        for (size_t x = 0; x < CHUNK_PX; x++) {
            sums[x] = 1 << (WEIGHT_BITS - FRACTION_BITS - 1);
        }
        for (int k = 0; k < window->count; k += 2) {
            const unsigned char *row = plane_row(in, window->start + k) + left;
            /* after an odd count the pair's other weight is 0, for which any row will do */
            add_rows(sums, row, k + 1 < window->count ? row + in->stride : row, weights + k, width);
        }
        for (size_t x = 0; x < width; x++) {
            out[(size_t)left + x] = (int16_t)(sums[x] >> (WEIGHT_BITS - FRACTION_BITS));
        }
    }
}

/* A row of the result from one that is as wide as the input and has zeros beyond that. */
static void sum_columns(const int16_t *restrict in, const struct windows *columns,
                        unsigned char *restrict out)
{
    enum { DOWN_BITS = WEIGHT_BITS + FRACTION_BITS };
    size_t span = (size_t)columns->span;
    for (int i = 0; i < columns->count; i++) {
        const int16_t *restrict weights = columns->weights + (size_t)i * span;
        const int16_t *restrict samples = in + columns->windows[i].start;
        int32_t sum = 1 << (DOWN_BITS - 1);
        for (size_t k = 0; k < span; k++) {
            sum += samples[k] * weights[k];
        }
        sum >>= DOWN_BITS;
        out[i] = (unsigned char)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

static int resize(const struct plane *in, double scale_x, double scale_y, const struct plane *out,
                  struct err *err)
{
    struct windows columns;
    struct windows rows;
    if (windows_init(&columns, in->width_px, out->width_px, scale_x, err) != 0) {
        return -1;
    }
    if (windows_init(&rows, in->height_px, out->height_px, scale_y, err) != 0) {
        windows_release(&columns);
        return -1;
    }
    int16_t *row = calloc((size_t)in->width_px + (size_t)columns.span, sizeof *row);
    for (int y = 0; row != NULL && y < out->height_px; y++) {
        sum_rows(in, &rows, y, row);
        sum_columns(row, &columns, plane_row(out, y));
    }
    windows_release(&columns);
    windows_release(&rows);
    if (row == NULL) {
        return err_set(err, ERR_OUT_OF_MEMORY, "no memory for a row of %d samples", in->width_px);
    }
    free(row);
    return 0;
}

int planes_resize(const struct planes *in, int width_px, int height_px, struct planes *out, struct err *err)
{
    struct planes made;
    double scale_x = (double)in->plane[PLANES_Y].width_px / width_px;
    double scale_y = (double)in->plane[PLANES_Y].height_px / height_px;
    if (planes_init(&made, width_px, height_px, err) != 0) {
        return -1;
    }
    for (int i = 0; i < PLANES_COUNT; i++) {
        if (resize(&in->plane[i], scale_x, scale_y, &made.plane[i], err) != 0) {
            planes_release(&made);
            return -1;
        }
    }
    planes_move(&made, out);
    return 0;
}
