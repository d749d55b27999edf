// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/orientation.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    TAG_ORIENTATION = 0x0112,
    TYPE_BYTE = 1,
    TYPE_SHORT = 3,
    TYPE_LONG = 4,
    HEADER_BYTES = 8,
    ENTRY_BYTES = 12
};

struct tiff {
    const unsigned char *data;
    size_t bytes;
    bool is_big_endian;
};

static uint32_t number_at(const struct tiff *tiff, size_t at, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        unsigned shift = 8 * (tiff->is_big_endian ? bytes - 1 - i : i);
        value |= (uint32_t)tiff->data[at + i] << shift;
    }
    return value;
}

/* The value of an entry of one number, which stands in the entry itself; 0 for any other entry. */
static uint32_t value_of(const struct tiff *tiff, size_t entry)
{
    if (number_at(tiff, entry + 4, 4) != 1) {
        return 0;
    }
    switch (number_at(tiff, entry + 2, 2)) {
    case TYPE_BYTE:
        return number_at(tiff, entry + 8, 1);
    case TYPE_SHORT:
        return number_at(tiff, entry + 8, 2);
    case TYPE_LONG:
        return number_at(tiff, entry + 8, 4);
    default:
        return 0;
    }
}

int orientation_read(const unsigned char *data, size_t bytes)
{
    if (bytes < HEADER_BYTES || (memcmp(data, "II*\0", 4) != 0 && memcmp(data, "MM\0*", 4) != 0)) {
        return 1;
    }
    struct tiff tiff = {.data = data, .bytes = bytes, .is_big_endian = data[0] == 'M'};
    size_t folder = number_at(&tiff, 4, 4);
    if (folder < HEADER_BYTES || folder > bytes - 2) {
        return 1;
    }
    size_t count = number_at(&tiff, folder, 2);
    for (size_t i = 0; i < count; i++) {
        size_t entry = folder + 2 + i * ENTRY_BYTES;
        if (entry + ENTRY_BYTES > bytes) {
            return 1;
        }
        if (number_at(&tiff, entry, 2) == TAG_ORIENTATION) {
            uint32_t value = value_of(&tiff, entry);
            return value >= 1 && value <= 8 ? (int)value : 1;
        }
    }
    return 1;
}
