// SPDX-License-Identifier: Apache-2.0
/*
 * Encoding as alike as a variant asks for.
 */
#ifndef PIXMILL_CODEC_QUALITY_H
#define PIXMILL_CODEC_QUALITY_H

#include "worker/codec/encode.h"

/*
 * As encode_image; where the variant has a min_ssim, what was encoded is decoded again and compared, and encoded anew with 5 more
 * of quality until it is reached, at most three times and to at most 100. What comes last is taken as it is. Returns as encode_image.
 */
int quality_encode(VipsImage *image, const struct profile_variant *variant, struct encode_bytes *out,
                   struct err *err) MUST_CHECK;

#endif
