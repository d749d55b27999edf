// SPDX-License-Identifier: Apache-2.0
/*
 * What an image will need of a codec's memory, as far as its header tells. Pure.
 */
#ifndef PIXMILL_WORKER_MEMORY_NEED_H
#define PIXMILL_WORKER_MEMORY_NEED_H

#include "common/image/image_head.h"

#include <stdint.h>

/*
 * The bytes: what a codec has of its own, the file, and for each pixel what the dearest way through the codec takes (a progressive JPEG's
 * coefficients, a canvas with alpha, libwebp's copy). A head that is not DONE needs no more than the file: it will be refused.
 */
int64_t memory_need(const struct image_head *head, int64_t file_bytes);

/*
 * The budget for all codecs of a worker: as configured, or for 0 three quarters of the memory that the container may use, or else of
 * the machine's. constrained_bytes: 0 where it is not known.
 */
int64_t memory_budget(int64_t configured_bytes, uint64_t constrained_bytes, uint64_t total_bytes);

#endif
