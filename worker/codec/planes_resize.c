// SPDX-License-Identifier: Apache-2.0
/*
 * Columns first: each row of the input becomes one as wide as the result, in 16 bits with a fraction; a row of the result is then
 * the weighted sum of the last few of those. Weights have 14 bits of fraction and sum up to exactly one, so an even surface keeps its
 * value. The loops are written for the compiler's vectorizer: plain arrays, 16-bit factors, 32-bit sums, whole vectors.
 */
#include "worker/codec/planes_resize.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOBES = 3,
    WEIGHT_BITS = 14,
    FRACTION_BITS = 6, /* of what is between the two sums: 255 and Lanczos' overshoot just fit in 16 bits */
    LANES = 8
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
        err_set(err, ERR_OUT_OF_MEMORY, "no memory for the weights of %d samples", to);
        return -1;
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

/* Rows of the input with their columns summed: the last few, row y at y % capacity. */
struct narrow {
    int16_t *wide; /* the row that is being narrowed, then LANES zeros at least */
    int16_t *rows; /* [capacity * width] */
    size_t width;
    int capacity;
    int next; /* the first row that was not narrowed yet */
};

static void narrow_release(struct narrow *narrow)
{
    free(narrow->wide);
    free(narrow->rows);
}

static int narrow_init(struct narrow *narrow, const struct plane *in, const struct windows *columns,
                       int capacity, struct err *err)
{
    size_t width = (size_t)columns->count;
    *narrow =
        (struct narrow){.wide = calloc((size_t)in->width_px + (size_t)columns->span, sizeof *narrow->wide),
                        .rows = calloc((size_t)capacity * width, sizeof *narrow->rows),
                        .width = width,
                        .capacity = capacity};
    if (narrow->wide == NULL || narrow->rows == NULL) {
        narrow_release(narrow);
        err_set(err, ERR_OUT_OF_MEMORY, "no memory for %d rows of %d samples", capacity, columns->count);
        return -1;
    }
    return 0;
}

static int16_t *narrow_row(const struct narrow *narrow, int y)
{
    return narrow->rows + (size_t)(y % narrow->capacity) * narrow->width;
}

static void widen(const unsigned char *restrict in, int16_t *restrict out, size_t count)
{
    for (size_t x = 0; x < count; x++) {
        out[x] = in[x];
    }
}

/* The sum of `span` weighted samples. span is a multiple of LANES, and the compiler is told so. */
static int32_t weigh(const int16_t *restrict samples, const int16_t *restrict weights, size_t span)
{
    int32_t sum = 0;
    for (size_t k = 0; k < span / LANES * LANES; k++) {
        sum += samples[k] * weights[k];
    }
    return sum;
}

/* Sums the columns of the next row. */
static void narrow_next(struct narrow *narrow, const struct plane *in, const struct windows *columns)
{
    enum { DOWN_BITS = WEIGHT_BITS - FRACTION_BITS };
    int16_t *out = narrow_row(narrow, narrow->next);
    size_t span = (size_t)columns->span;
    widen(plane_row(in, narrow->next), narrow->wide, (size_t)in->width_px);
    for (size_t i = 0; i < narrow->width; i++) {
        int32_t sum = weigh(narrow->wide + columns->windows[i].start, columns->weights + i * span, span);
        out[i] = (int16_t)((sum + (1 << (DOWN_BITS - 1))) >> DOWN_BITS);
    }
    narrow->next++;
}

/* Adds two weighted rows to the sums. */
static void add_rows(int32_t *restrict sums, const int16_t *restrict a, const int16_t *restrict b,
                     const int16_t weights[2], size_t count)
{
    const int16_t weight_a = weights[0];
    const int16_t weight_b = weights[1];
    for (size_t x = 0; x < count; x++) {
        sums[x] += a[x] * weight_a + b[x] * weight_b;
    }
}

/* A row of the result: the weighted sum of the narrow rows of its window. */
static void sum_rows(const struct narrow *narrow, const struct window *window, const int16_t *weights,
                     int32_t *restrict sums, unsigned char *restrict out)
{
    enum { DOWN_BITS = WEIGHT_BITS + FRACTION_BITS };
    for (size_t x = 0; x < narrow->width; x++) {
        sums[x] = 1 << (DOWN_BITS - 1);
    }
    for (int k = 0; k < window->count; k += 2) {
        const int16_t *row = narrow_row(narrow, window->start + k);
        /* after an odd count the pair's other weight is 0, for which any row will do */
        const int16_t *next = k + 1 < window->count ? narrow_row(narrow, window->start + k + 1) : row;
        add_rows(sums, row, next, weights + k, narrow->width);
    }
    for (size_t x = 0; x < narrow->width; x++) {
        int32_t sum = sums[x] >> DOWN_BITS;
        sum = sum < 0 ? 0 : sum;
        out[x] = (unsigned char)(sum > 255 ? 255 : sum);
    }
}

static int resize_by(const struct plane *in, const struct windows *columns, const struct windows *rows,
                     const struct plane *out, struct err *err)
{
    struct narrow narrow;
    int32_t *sums = calloc((size_t)columns->count, sizeof *sums);
    if (sums == NULL) {
        return err_set(err, ERR_OUT_OF_MEMORY, "no memory for a row of %d sums", columns->count);
    }
    if (narrow_init(&narrow, in, columns, rows->span, err) != 0) {
        free(sums);
        return -1;
    }
    for (int y = 0; y < out->height_px; y++) {
        const struct window *window = &rows->windows[y];
        while (narrow.next < window->start + window->count) {
            narrow_next(&narrow, in, columns);
        }
        sum_rows(&narrow, window, rows->weights + (size_t)y * (size_t)rows->span, sums, plane_row(out, y));
    }
    narrow_release(&narrow);
    free(sums);
    return 0;
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
    int rc = resize_by(in, &columns, &rows, out, err);
    windows_release(&columns);
    windows_release(&rows);
    return rc;
}

int planes_resize(const struct planes *in, int width_px, int height_px, struct planes *out, struct err *err)
{
    struct planes made;
    double scale_x = (double)in->plane[PLANES_Y].width_px / width_px;
    double scale_y = (double)in->plane[PLANES_Y].height_px / height_px;
    if (planes_init(&made, width_px, height_px, err) != 0) {
        return -1;
    }
    made.range = in->range;
    for (int i = 0; i < PLANES_COUNT; i++) {
        if (resize(&in->plane[i], scale_x, scale_y, &made.plane[i], err) != 0) {
            planes_release(&made);
            return -1;
        }
    }
    planes_move(&made, out);
    return 0;
}
