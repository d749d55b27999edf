// SPDX-License-Identifier: Apache-2.0
/*
 * The orientation that EXIF tells (CIPA DC-008, tag 0x0112 of IFD0). Pure.
 */
#ifndef PIXMILL_CODEC_ORIENTATION_H
#define PIXMILL_CODEC_ORIENTATION_H

#include <stddef.h>

/* Reads it from `bytes` bytes that begin with the TIFF header. Returns 1..8; 1 where it is absent, broken or nonsense. */
int orientation_read(const unsigned char *tiff, size_t bytes);

#endif
