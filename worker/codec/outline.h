// SPDX-License-Identifier: Apache-2.0
/*
 * What can be told of a whole file before it is decoded, by walking its segments or chunks: how many frames and scans it would
 * cost, whether it is all there, and where its EXIF is. Pure, in time linear in the file's length.
 */
#ifndef PIXMILL_CODEC_OUTLINE_H
#define PIXMILL_CODEC_OUTLINE_H

#include "common/image/image_format.h"

#include <stddef.h>
#include <stdint.h>

struct outline {
    int64_t frames; /* of an animation; 1 for a still image */
    int64_t scans;  /* of a JPEG; 1 for other formats */
    /* The walk met the end marker (EOI, IEND, the RIFF's length): nothing of the image is cut off. */
    bool is_whole;
    /* No chunk that matters to the picture has a wrong checksum (PNG only; true for other formats). */
    bool is_sound;
    const unsigned char *exif; /* into the file, from the TIFF header on; NULL where there is none */
    size_t exif_bytes;
};

/* Walks a file whose signature is that of `format`. Never fails: what is broken shows as not whole or not sound. */
void outline_read(struct outline *outline, enum image_format format, const unsigned char *data, size_t bytes);

#endif
