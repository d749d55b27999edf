// SPDX-License-Identifier: Apache-2.0
/*
 * From a file's bytes to upright 8-bit sRGB pixels in memory, by the loader of the sniffed format and no other.
 */
#ifndef PIXMILL_CODEC_DECODE_H
#define PIXMILL_CODEC_DECODE_H

#include "common/image/image_head.h"
#include "worker/codec/outline.h"
#include "worker/wire/wire.h"

#include <vips/vips.h>

/* What is known of a file before it is decoded. */
struct decode_plan {
    struct image_head head;
    struct outline outline;
    int orientation; /* of EXIF, 1..8 */
};

/*
 * Reads format and size again from the bytes, and checks the size and the file's outline (frames, scans, wholeness) against the
 * job. Fills *plan. Returns 0, or -1 with what an image of the kind is refused with. Nothing is decoded.
 */
int decode_check(const struct wire_job *job, const unsigned char *data, size_t bytes,
                 struct decode_plan *plan, struct err *err) MUST_CHECK;

/* The background on which every variant of a profile flattens; NULL where they differ, or one keeps the alpha. */
const unsigned char *decode_background(const struct profile *profile);

/*
 * Decodes bytes that passed decode_check in full. *out (the caller's to g_object_unref) is in memory: 3 bands, or 4 where the
 * image has alpha and a variant of the profile keeps it or the variants differ in their background. First frame only.
 * Returns 0, or -1 with ERR_CORRUPT_IMAGE or ERR_OUT_OF_MEMORY.
 */
int decode_image(const struct wire_job *job, const struct decode_plan *plan, const unsigned char *data,
                 size_t bytes, VipsImage **out, struct err *err) MUST_CHECK;

#endif
