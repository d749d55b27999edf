// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a profile from JSON (RFC 8259). Pure: bytes in, a profile out, or which field is wrong and why.
 *
 *     {
 *         "name": "shop",
 *         "busy_seconds": 60,
 *         "variants": [
 *             {"name": "thumbnail", "fit": "cover", "width": 200, "height": 200, "format": "jpeg", "quality": 85},
 *             {"name": "webp", "format": "webp", "quality": 85, "effort": 4, "effort_busy": 2, "background": null}
 *         ]
 *     }
 *
 *     name            [a-z][a-z0-9_-]*, at most 23 characters; of variants, each once
 *     busy_seconds    0..86400, 60 where it is not told
 *     variants        1..8
 *     fit             "inside" (default), or "cover": cropped to the box, around what draws the eye; needs width and height
 *     width, height   1..16383; not told: that side does not bound; neither: full size
 *     format          "jpeg", "png" or "webp"
 *     quality         1..100, 85 where it is not told
 *     effort          0..6, 4 where it is not told; WebP only
 *     effort_busy     0..effort, 2 (or effort where that is less) where it is not told; WebP only
 *     background      "#rrggbb", "#ffffff" where it is not told; null: alpha is kept, which JPEG can not
 *     skip_if_larger  true or false (default)
 *     min_ssim        0..1, 0 where it is not told; not of PNG, which loses nothing
 *
 * Any other key is refused, and so is a key that comes twice.
 */
#ifndef PIXMILL_IMAGE_PROFILE_READ_H
#define PIXMILL_IMAGE_PROFILE_READ_H

#include "common/base/err.h"
#include "common/image/profile.h"

enum { PROFILE_READ_MOST_BYTES = 65536 };

/*
 * Reads a profile. Variants with a box come before those of full size, and otherwise in the order of the file. Returns 0, or -1 with
 * ERR_CONFIG and a sentence that begins with the field ("variants[1].width: ..."); *profile is then untouched.
 */
int profile_read(const char *data, size_t bytes, struct profile *profile, struct err *err) MUST_CHECK;

#endif
