// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/fit.h"

#include <limits.h>
#include <math.h>

static int bound(int box_px)
{
    return box_px > 0 ? box_px : INT_MAX;
}

static int at_least_one(double number)
{
    return number < 1 ? 1 : (int)number;
}

/* The neighbour of `number` whose distance is less; the lower one where both are as good. */
static int nearer(double number, double below_distance, double above_distance)
{
    return at_least_one(above_distance < below_distance ? ceil(number) : floor(number));
}

static int width_for(double aspect, int height_px)
{
    double number = height_px * aspect;
    return nearer(number, fabs(aspect - floor(number) / height_px), fabs(aspect - ceil(number) / height_px));
}

/* A height of zero counts as exact, and then becomes 1: so Pillow has it. */
static int height_for(double aspect, int width_px)
{
    double number = width_px / aspect;
    double below = floor(number);
    return nearer(number, below < 1 ? 0 : fabs(aspect - width_px / below),
                  fabs(aspect - width_px / ceil(number)));
}

struct fit_size fit_inside(struct fit_size image, const struct profile_variant *variant)
{
    int box_width = bound(variant->width_px);
    int box_height = bound(variant->height_px);
    double aspect = (double)image.width_px / image.height_px;
    if (box_width >= image.width_px && box_height >= image.height_px) {
        return image;
    }
    if ((double)box_width / box_height >= aspect) {
        return (struct fit_size){width_for(aspect, box_height), box_height};
    }
    return (struct fit_size){box_width, height_for(aspect, box_width)};
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

struct fit_size fit_cover(struct fit_size image, const struct profile_variant *variant, struct fit_size *crop)
{
    crop->width_px = smaller(bound(variant->width_px), image.width_px);
    crop->height_px = smaller(bound(variant->height_px), image.height_px);
    double scale = fmax((double)crop->width_px / image.width_px, (double)crop->height_px / image.height_px);
    struct fit_size scaled = {(int)lround(image.width_px * scale), (int)lround(image.height_px * scale)};
    if (scaled.width_px < crop->width_px) {
        scaled.width_px = crop->width_px;
    }
    if (scaled.height_px < crop->height_px) {
        scaled.height_px = crop->height_px;
    }
    return scaled;
}
