// SPDX-License-Identifier: Apache-2.0
/*
 * The compressed pixels of a PNG, checked to their last byte. libvips stops when it has its rows, and so would take pixels
 * whose checksum is wrong.
 */
#ifndef PIXMILL_CODEC_PNG_DATA_H
#define PIXMILL_CODEC_PNG_DATA_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Inflates all IDAT chunks of a PNG that begins with signature and IHDR, keeping nothing. Returns true where they hold at least
 * the bytes that IHDR announces and the stream's checksum (RFC 1950) is right; what comes after surplus bytes is not looked
 * at, so time is bounded by the announced size. Pure.
 */
bool png_data_is_sound(const unsigned char *data, size_t bytes);

#endif
