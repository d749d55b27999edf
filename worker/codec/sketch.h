// SPDX-License-Identifier: Apache-2.0
/*
 * What is told of an image's looks, made from planes: they are reduced, and only then are colours made of them.
 */
#ifndef PIXMILL_CODEC_SKETCH_H
#define PIXMILL_CODEC_SKETCH_H

#include "worker/codec/planes.h"
#include "worker/wire/wire.h"

/* Fills BlurHash and dominant colour from planes of any size and range. Returns 0, or -1 with ERR_OUT_OF_MEMORY. */
int sketch_planes(const struct planes *planes, struct wire_done *done, struct err *err) MUST_CHECK;

#endif
