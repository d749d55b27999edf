// SPDX-License-Identifier: Apache-2.0
/*
 * What sizes of images are taken. Pure.
 */
#ifndef PIXMILL_IMAGE_LIMITS_H
#define PIXMILL_IMAGE_LIMITS_H

#include "common/base/err.h"

#include <stdint.h>

struct image_limits {
    int64_t max_file_bytes;
    int64_t min_side_px;
    int64_t max_side_px;
    int64_t max_pixels;
    int64_t max_frames;
    int64_t max_scans;
};

/* Checks a width and height. Returns 0, or -1 with ERR_TOO_SMALL or ERR_TOO_LARGE. */
int image_limits_check(const struct image_limits *limits, int64_t width_px, int64_t height_px,
                       struct err *err) MUST_CHECK;

#endif
