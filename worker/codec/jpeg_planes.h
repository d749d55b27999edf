// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a JPEG into planes, as libjpeg has them before it would make colours: sequential or progressive, Huffman or arithmetic,
 * grey, 4:2:0, 4:2:2, 4:4:0 or 4:4:4. Chroma that is finer than 4:2:0 is averaged down as it comes.
 *
 *     open ──► (look at it) ──► read ──► close
 *       └────────── no ─────────────────► close
 */
#ifndef PIXMILL_CODEC_JPEG_PLANES_H
#define PIXMILL_CODEC_JPEG_PLANES_H

#include "worker/codec/planes.h"
#include "worker/wire/wire.h"

#include <stdint.h>

struct jpeg_planes;

/* How strict the reading is. */
struct jpeg_planes_rules {
    int64_t max_scans;     /* more than these are ERR_TOO_LARGE */
    bool fails_on_warning; /* else what libjpeg can mend is mended, up to a measure */
};

/*
 * Reads the header of a JPEG in memory, which must live until the close. NULL where the header is broken, or the image is not one
 * that can be read into planes (other colour spaces, other samplings, more than 8 bits): another decoder has the last word then.
 * The caller closes it.
 */
struct jpeg_planes *jpeg_planes_open(const unsigned char *data, size_t bytes,
                                     const struct jpeg_planes_rules *rules);

/* The sides as the frame header has them. */
int jpeg_planes_width_px(const struct jpeg_planes *jpeg);
int jpeg_planes_height_px(const struct jpeg_planes *jpeg);

enum jpeg_planes_icc { JPEG_PLANES_ICC_NONE, JPEG_PLANES_ICC_WHOLE, JPEG_PLANES_ICC_BROKEN };

/*
 * The ICC profile in the header's APP2 segments (ICC.1:2010 B.4). WHOLE: *icc, with *bytes, is the caller's to free. BROKEN: there
 * are segments of one, but they do not make one.
 */
enum jpeg_planes_icc jpeg_planes_icc(struct jpeg_planes *jpeg, unsigned char **icc, size_t *bytes);

/*
 * Decodes the whole image. *planes is the caller's to release. Once after an open. Returns 0, or -1 with ERR_CORRUPT_IMAGE (the data
 * ends early, or can not be decoded), ERR_TOO_LARGE (scans) or ERR_OUT_OF_MEMORY.
 */
int jpeg_planes_read(struct jpeg_planes *jpeg, struct planes *planes, struct err *err) MUST_CHECK;

/* Frees it; NULL is fine. */
void jpeg_planes_close(struct jpeg_planes *jpeg);

#endif
