// SPDX-License-Identifier: Apache-2.0
/*
 * Whatever can be read into planes, by the reader of its format.
 */
#ifndef PIXMILL_CODEC_YCC_SOURCE_H
#define PIXMILL_CODEC_YCC_SOURCE_H

#include "worker/codec/decode.h"
#include "worker/codec/planes.h"

struct ycc_source;

/*
 * Opens bytes that passed decode_check. NULL where they can not be read into planes, or their colours are not sRGB; nothing was
 * decoded then. job and data must live until the close. The caller closes it.
 */
struct ycc_source *ycc_source_open(const struct wire_job *job, const struct image_head *head,
                                   const unsigned char *data, size_t bytes);

/*
 * Decodes the whole image, of head's sides. *planes is the caller's to release. Once after an open. Returns 0, or -1 with
 * ERR_CORRUPT_IMAGE, ERR_TOO_LARGE or ERR_OUT_OF_MEMORY.
 */
int ycc_source_read(struct ycc_source *source, struct planes *planes, struct err *err) MUST_CHECK;

/* Frees it; NULL is fine. */
void ycc_source_close(struct ycc_source *source);

#endif
