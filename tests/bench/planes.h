// SPDX-License-Identifier: Apache-2.0
/*
 * Pictures of the floor as 4:2:0 planes: decoded from bytes, reduced, and written as JPEG. What can fail ends the process.
 */
#ifndef PIXMILL_TESTS_BENCH_PLANES_H
#define PIXMILL_TESTS_BENCH_PLANES_H

#include <stddef.h>
#include <stdint.h>

struct plane {
    int width; /* of the picture; rows and columns beyond are there to fill JPEG's blocks */
    int height;
    int stride;
    uint8_t *data;
};

struct planes {
    struct plane plane[3]; /* Y, Cb, Cr */
    int is_full_range;     /* as JPEG has it; else 16..235 and 16..240, as WebP has it */
};

/* Room for a picture; every side is rounded up to whole blocks. */
void planes_init(struct planes *planes, int width, int height);

/* Frees the room. */
void planes_release(struct planes *planes);

/* Decodes a JPEG (4:2:0 only), a PNG or a WebP, told apart by their first bytes. */
void planes_decode(struct planes *planes, const unsigned char *data, size_t bytes);

/* Squeezes full range into WebP's, in place; nothing where it is that already. */
void planes_to_studio(struct planes *planes);

/* Stretches WebP's range to JPEG's, in place; nothing where it is that already. */
void planes_to_full(struct planes *planes);

/* A picture that fits most_px a side and is never enlarged: averaged to at least twice its size, then Lanczos3. */
void planes_reduce(const struct planes *in, int most_px, struct planes *out);

/* Bytes of a baseline JPEG with optimized tables; full range only. The caller frees *data. */
void planes_to_jpeg(const struct planes *planes, int quality, unsigned char **data, size_t *bytes);

#endif
