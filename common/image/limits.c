// SPDX-License-Identifier: Apache-2.0
#include "common/image/limits.h"

#include <inttypes.h>

int image_limits_check(const struct image_limits *limits, int64_t width_px, int64_t height_px,
                       struct err *err)
{
    if (width_px < limits->min_side_px || height_px < limits->min_side_px) {
        return err_set(err, ERR_TOO_SMALL, "%" PRId64 " x %" PRId64 " px, the least side is %" PRId64,
                       width_px, height_px, limits->min_side_px);
    }
    if (width_px > limits->max_side_px || height_px > limits->max_side_px) {
        return err_set(err, ERR_TOO_LARGE, "%" PRId64 " x %" PRId64 " px, the greatest side is %" PRId64,
                       width_px, height_px, limits->max_side_px);
    }
    /* divided rather than multiplied, so that no size overflows */
    if (width_px > 0 && height_px > limits->max_pixels / width_px) {
        return err_set(err, ERR_TOO_LARGE,
                       "%" PRId64 " x %" PRId64 " px, at most %" PRId64 " pixels are taken", width_px,
                       height_px, limits->max_pixels);
    }
    return 0;
}
