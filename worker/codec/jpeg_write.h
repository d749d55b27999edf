// SPDX-License-Identifier: Apache-2.0
/*
 * Writes planes as a JPEG without a word of metadata: baseline, 4:2:0, optimized Huffman tables.
 */
#ifndef PIXMILL_CODEC_JPEG_WRITE_H
#define PIXMILL_CODEC_JPEG_WRITE_H

#include "worker/codec/encode.h"
#include "worker/codec/planes.h"

/*
 * Encodes planes of full range; what is beyond their sides is overwritten. The same planes and quality (1..100) give the same bytes.
 * *out is the caller's (encode_bytes_release). Returns 0, or -1 with ERR_TOO_LARGE where a side is beyond JPEG's, or
 * ERR_OUT_OF_MEMORY.
 */
int jpeg_write(struct planes *planes, int quality, struct encode_bytes *out, struct err *err) MUST_CHECK;

#endif
