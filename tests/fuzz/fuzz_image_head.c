// SPDX-License-Identifier: Apache-2.0
/*
 * image_head over any bytes: the first byte chooses the size of the pieces, and the answer must not depend on it. What the head
 * takes must have sides above zero.
 */
#include "common/image/image_head.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct image_head head_of(const uint8_t *data, size_t bytes, size_t piece, struct err *err)
{
    struct image_head head;
    image_head_init(&head);
    for (size_t at = 0; at < bytes; at += piece) {
        (void)image_head_feed(&head, data + at, bytes - at < piece ? bytes - at : piece, err);
    }
    (void)image_head_end(&head, err);
    return head;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0) {
        return 0;
    }
    struct err err = {.code = ERR_NONE};
    struct err again = {.code = ERR_NONE};
    struct image_head pieces = head_of(data + 1, bytes - 1, 1 + data[0] % 16, &err);
    struct image_head whole = head_of(data + 1, bytes - 1, bytes, &again);
    assert(pieces.state == whole.state && pieces.format == whole.format && err.code == again.code);
    assert(pieces.state != IMAGE_HEAD_MORE);
    if (whole.state == IMAGE_HEAD_DONE) {
        assert(whole.format != IMAGE_UNKNOWN && whole.width_px > 0 && whole.height_px > 0);
        assert(whole.width_px == pieces.width_px && whole.height_px == pieces.height_px &&
               err.code == ERR_NONE);
    } else {
        assert(err.code == ERR_UNSUPPORTED_FORMAT || err.code == ERR_INVALID_IMAGE ||
               err.code == ERR_NO_FILE);
    }
    return 0;
}
