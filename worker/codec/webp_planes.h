// SPDX-License-Identifier: Apache-2.0
/*
 * Writes planes as a lossy WebP: libwebp reads them where they are, and the file has a VP8 chunk and nothing else.
 */
#ifndef PIXMILL_CODEC_WEBP_PLANES_H
#define PIXMILL_CODEC_WEBP_PLANES_H

#include "worker/codec/encode.h"
#include "worker/codec/planes.h"

/*
 * Encodes planes of studio range (planes_to_studio), by libwebp's method `effort` (0..6). The same planes and options give the same
 * bytes. *out is the caller's (encode_bytes_release). Returns 0, or -1 with ERR_TOO_LARGE where a side is beyond WebP's,
 * ERR_OUT_OF_MEMORY or ERR_INTERNAL.
 */
int webp_planes_write(const struct planes *planes, int quality, int effort, struct encode_bytes *out,
                      struct err *err) MUST_CHECK;

#endif
