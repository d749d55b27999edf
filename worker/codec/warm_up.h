// SPDX-License-Identifier: Apache-2.0
/*
 * The first job of a codec: tiny pictures of our own through every decoder, resizer and encoder, so that libraries open, read
 * and set up what they need before the cage closes.
 */
#ifndef PIXMILL_CODEC_WARM_UP_H
#define PIXMILL_CODEC_WARM_UP_H

#include "common/base/err.h"

/* Encodes and decodes a picture in each format. Returns 0, or -1 with *err where one fails. */
int warm_up(struct err *err) MUST_CHECK;

/* Proves that a MAT file which is said to be a JPEG is refused. Returns 0, or -1 with ERR_INTERNAL. */
int warm_up_prove(struct err *err) MUST_CHECK;

#endif
