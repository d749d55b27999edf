// SPDX-License-Identifier: Apache-2.0
#include "worker/memory_need.h"

enum { OWN_BYTES = 40 << 20, JPEG_BYTES_A_PIXEL = 12, OTHER_BYTES_A_PIXEL = 16 };

int64_t memory_need(const struct image_head *head, int64_t file_bytes)
{
    int64_t need = OWN_BYTES + file_bytes;
    if (head->state != IMAGE_HEAD_DONE) {
        return need;
    }
    int64_t pixels = (int64_t)head->width_px * head->height_px;
    /* sides go up to 2^31; a product that no limit would let pass need not be exact */
    if (pixels > INT32_MAX) {
        pixels = INT32_MAX;
    }
    return need + pixels * (head->format == IMAGE_JPEG ? JPEG_BYTES_A_PIXEL : OTHER_BYTES_A_PIXEL);
}

int64_t memory_budget(int64_t configured_bytes, uint64_t constrained_bytes, uint64_t total_bytes)
{
    if (configured_bytes > 0) {
        return configured_bytes;
    }
    uint64_t most =
        constrained_bytes > 0 && constrained_bytes < total_bytes ? constrained_bytes : total_bytes;
    uint64_t budget = most / 4 * 3;
    return budget == 0 || budget > INT64_MAX ? INT64_MAX : (int64_t)budget;
}
