// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/bench_line.h"
#include "tests/bench/planes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIXED_BITS = 14,
    LANES = 8,          /* taps come in groups of so many, padded with weights of 0 */
    LEAST_REDUCTION = 2 /* what averaging leaves for Lanczos to do, as a factor of a side */
};

/* For each of `count` samples: where its window begins in the source, and its weights, which sum to 1 << FIXED_BITS. */
struct weights {
    int taps;
    int room; /* taps rounded up to LANES */
    int *first;
    int16_t *weight; /* room a sample */
};

static double lanczos3(double x)
{
    const double pi = 3.14159265358979323846;
    if (fabs(x) < 1e-8) {
        return 1;
    }
    return fabs(x) >= 3 ? 0 : 3 * sin(pi * x) * sin(pi * x / 3) / (pi * pi * x * x);
}

/* exact: room for the taps of one sample */
static void weigh_one(struct weights *weights, int i, int from, double scale, double *exact)
{
    double centre = (i + 0.5) * scale - 0.5;
    double stretch = scale > 1 ? scale : 1;
    int first = (int)ceil(centre - 3 * stretch);
    int16_t *weight = weights->weight + (size_t)i * (size_t)weights->room;
    double sum = 0;
    int left = 1 << FIXED_BITS;
    int largest = 0;
    first = first > from - weights->taps ? from - weights->taps : first;
    first = first < 0 ? 0 : first;
    weights->first[i] = first;
    for (int t = 0; t < weights->taps; t++) {
        exact[t] = lanczos3((first + t - centre) / stretch);
        sum += exact[t];
    }
    for (int t = 0; t < weights->taps; t++) {
        weight[t] = (int16_t)lrint(exact[t] / sum * (1 << FIXED_BITS));
        left -= weight[t];
        largest = weight[t] > weight[largest] ? t : largest;
    }
    weight[largest] = (int16_t)(weight[largest] + left);
}

static struct weights weigh(int from, int to)
{
    double scale = (double)from / to;
    struct weights weights = {.taps = (int)ceil(6 * (scale > 1 ? scale : 1))};
    weights.taps = weights.taps > from ? from : weights.taps;
    weights.room = (weights.taps + LANES - 1) / LANES * LANES;
    weights.first = malloc((size_t)to * sizeof *weights.first);
    weights.weight = calloc((size_t)to * (size_t)weights.room, sizeof *weights.weight);
    double *exact = malloc((size_t)weights.taps * sizeof *exact);
    if (weights.first == NULL || weights.weight == NULL || exact == NULL) {
        bench_fail("no memory for weights");
    }
    for (int i = 0; i < to; i++) {
        weigh_one(&weights, i, from, scale, exact);
    }
    free(exact);
    return weights;
}

static inline uint8_t clamped(int32_t fixed)
{
    int32_t value = (fixed + (1 << (FIXED_BITS - 1))) >> FIXED_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* One row of the result before its width is reduced. 16-bit factors: SSE2 has no other multiplication to make vectors of. */
static void reduce_down(const struct plane *in, const struct weights *down, int y, int32_t *restrict sum,
                        int16_t *restrict row)
{
    size_t width = (size_t)in->width;
    const int16_t *weights = down->weight + (size_t)y * (size_t)down->room;
    memset(sum, 0, width * sizeof *sum);
    for (int t = 0; t < down->taps; t++) {
        const uint8_t *restrict source = in->data + (size_t)(down->first[y] + t) * (size_t)in->stride;
        int16_t weight = weights[t];
        for (size_t x = 0; x < width; x++) {
            sum[x] += weight * (int16_t)source[x];
        }
    }
    for (size_t x = 0; x < width; x++) {
        row[x] = clamped(sum[x]);
    }
}

static void reduce_across(const int16_t *row, const struct weights *across, int width, uint8_t *restrict out)
{
    for (int x = 0; x < width; x++) {
        const int16_t *source = row + across->first[x];
        const int16_t *weight = across->weight + (size_t)x * (size_t)across->room;
        int32_t total = 0;
        for (int t = 0; t < across->room; t += LANES) {
            for (int lane = 0; lane < LANES; lane++) {
                total += weight[t + lane] * source[t + lane];
            }
        }
        out[x] = clamped(total);
    }
}

static void lanczos_plane(const struct plane *in, struct plane *out)
{
    struct weights down = weigh(in->height, out->height);
    struct weights across = weigh(in->width, out->width);
    size_t width = (size_t)in->width;
    int32_t *sum = malloc(width * sizeof *sum);
    int16_t *row = calloc(width + LANES, sizeof *row);
    if (sum == NULL || row == NULL) {
        bench_fail("no memory for a row");
    }
    for (int y = 0; y < out->height; y++) {
        reduce_down(in, &down, y, sum, row);
        reduce_across(row, &across, out->width, out->data + (size_t)y * (size_t)out->stride);
    }
    free(sum);
    free(row);
    free(down.first);
    free(down.weight);
    free(across.first);
    free(across.weight);
}

static void average_twos(const uint8_t *top, const uint8_t *bottom, uint8_t *restrict out, int width)
{
    for (int x = 0; x < width; x++) {
        out[x] = (uint8_t)((top[2 * x] + top[2 * x + 1] + bottom[2 * x] + bottom[2 * x + 1] + 2) >> 2);
    }
}

static void average_more(const struct plane *in, int y, int factor, uint16_t *restrict sum,
                         uint8_t *restrict out)
{
    int width = in->width / factor;
    int area = factor * factor;
    memset(sum, 0, (size_t)in->width * sizeof *sum);
    for (int i = 0; i < factor; i++) {
        const uint8_t *restrict source = in->data + (size_t)(y * factor + i) * (size_t)in->stride;
        for (int x = 0; x < in->width; x++) {
            sum[x] = (uint16_t)(sum[x] + source[x]);
        }
    }
    for (int x = 0; x < width; x++) {
        int total = area / 2;
        for (int i = 0; i < factor; i++) {
            total += sum[x * factor + i];
        }
        out[x] = (uint8_t)(total / area);
    }
}

/* Squares of factor x factor become their mean; what is left over at the right and the bottom is dropped. */
static struct plane average_plane(const struct plane *in, int factor)
{
    struct plane out = {in->width / factor, in->height / factor, in->width / factor, NULL};
    uint16_t *sum = malloc((size_t)in->width * sizeof *sum);
    out.data = malloc((size_t)out.stride * (size_t)out.height);
    if (out.data == NULL || sum == NULL) {
        bench_fail("no memory for a plane");
    }
    for (int y = 0; y < out.height; y++) {
        uint8_t *row = out.data + (size_t)y * (size_t)out.stride;
        if (factor == 2) {
            const uint8_t *top = in->data + (size_t)(2 * y) * (size_t)in->stride;
            average_twos(top, top + in->stride, row, out.width);
        } else {
            average_more(in, y, factor, sum, row);
        }
    }
    free(sum);
    return out;
}

static void reduce_plane(const struct plane *in, struct plane *out)
{
    int across = in->width / (LEAST_REDUCTION * out->width);
    int down = in->height / (LEAST_REDUCTION * out->height);
    int factor = across < down ? across : down;
    if (in->width == out->width && in->height == out->height) {
        for (int y = 0; y < out->height; y++) {
            memcpy(out->data + (size_t)y * (size_t)out->stride, in->data + (size_t)y * (size_t)in->stride,
                   (size_t)out->width);
        }
    } else if (factor < 2) {
        lanczos_plane(in, out);
    } else {
        struct plane middle = average_plane(in, factor);
        lanczos_plane(&middle, out);
        free(middle.data);
    }
}

void planes_reduce(const struct planes *in, int most_px, struct planes *out)
{
    int width = in->plane[0].width;
    int height = in->plane[0].height;
    int longest = width > height ? width : height;
    if (longest > most_px) {
        double scale = (double)most_px / longest;
        width = (int)lrint(width * scale);
        height = (int)lrint(height * scale);
        width = width < 1 ? 1 : width;
        height = height < 1 ? 1 : height;
    }
    planes_init(out, width, height);
    out->is_full_range = in->is_full_range;
    for (int i = 0; i < 3; i++) {
        reduce_plane(&in->plane[i], &out->plane[i]);
    }
}
