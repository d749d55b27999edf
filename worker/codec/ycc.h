// SPDX-License-Identifier: Apache-2.0
/*
 * The direct path: an image that can be read into planes (ycc_source.h), whose variants are JPEGs and WebPs of the whole image. Both
 * formats keep what a JPEG or lossy WebP has, so its planes go from decoder to encoders, turned and reduced on the way; no colour is
 * made and libvips is not asked. It is a third of the memory and most of what can be saved of a job's time. Whatever is not of this
 * kind is left to decode.h and render.h.
 *
 * JPEG variants are made first: the full-size WebP takes ten times as long as all else together.
 */
#ifndef PIXMILL_CODEC_YCC_H
#define PIXMILL_CODEC_YCC_H

#include "worker/codec/codec.h"
#include "worker/codec/decode.h"

struct ycc;

/*
 * Opens bytes that passed decode_check. NULL where the job is not for this path; nothing was decoded then. job, plan and data must live
 * until ycc_close.
 */
struct ycc *ycc_open(const struct wire_job *job, const struct decode_plan *plan, const unsigned char *data,
                     size_t bytes);

/*
 * Decodes the image and brings it upright, whose sides go to *done. Once after the open. Returns 0, or -1 with ERR_CORRUPT_IMAGE,
 * ERR_TOO_LARGE or ERR_OUT_OF_MEMORY.
 */
int ycc_decode(struct ycc *ycc, struct wire_done *done, struct err *err) MUST_CHECK;

/*
 * Makes the variants and gives each to output->variant as it is ready; the image's looks go to *done. Once after ycc_decode. Returns 0, or -1 with ERR_TOO_LARGE,
 * ERR_OUT_OF_MEMORY, ERR_INTERNAL, or what the output said.
 */
int ycc_make(struct ycc *ycc, const struct codec_output *output, struct wire_done *done,
             struct err *err) MUST_CHECK;

/* Frees it; NULL is fine. */
void ycc_close(struct ycc *ycc);

#endif
