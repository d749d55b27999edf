// SPDX-License-Identifier: Apache-2.0
/*
 * Reduces planes by Lanczos' kernel of three lobes, in one step over every sample, as Pillow's LANCZOS does. Pure computing.
 */
#ifndef PIXMILL_CODEC_PLANES_RESIZE_H
#define PIXMILL_CODEC_PLANES_RESIZE_H

#include "worker/codec/planes.h"

/*
 * Makes *out of width_px x height_px and of the same range from `in`, which is at least as large on both sides. Luma and chroma are sampled by the same scale,
 * so that chroma stays where it belongs even where a side is odd. *out is the caller's to release. Returns 0, or -1 with
 * ERR_OUT_OF_MEMORY.
 */
int planes_resize(const struct planes *in, int width_px, int height_px, struct planes *out,
                  struct err *err) MUST_CHECK;

#endif
