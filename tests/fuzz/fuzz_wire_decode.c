// SPDX-License-Identifier: Apache-2.0
/*
 * wire_decode over any bytes: what it takes must encode to the very same bytes, so that a frame has one spelling.
 */
#include "worker/wire/wire.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct wire_frame frame;
    struct err err = {.code = ERR_NONE};
    if (wire_decode(data, bytes, &frame, &err) != 0) {
        assert(err.code == ERR_INTERNAL);
        return 0;
    }
    unsigned char again[WIRE_MAX_BYTES];
    assert(wire_encode(&frame, again) == bytes);
    assert(memcmp(again, data, bytes) == 0);
    return 0;
}
