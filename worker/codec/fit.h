// SPDX-License-Identifier: Apache-2.0
/*
 * How large a variant becomes. Pure.
 */
#ifndef PIXMILL_CODEC_FIT_H
#define PIXMILL_CODEC_FIT_H

#include "common/image/profile.h"

struct fit_size {
    int width_px;
    int height_px;
};

/*
 * The largest size with the image's proportions inside the variant's box (a side of 0 does not bound), as Pillow's
 * Image.thumbnail rounds: the long side meets the box, the other is whichever neighbour keeps the proportions best, at least 1.
 * Never larger than the image.
 */
struct fit_size fit_inside(struct fit_size image, const struct profile_variant *variant);

/*
 * For PROFILE_COVER: *crop is what the variant becomes (the box, but never larger than the image on either side); the answer is
 * the size to which the image is scaled first, at least *crop on both sides and never enlarged.
 */
struct fit_size fit_cover(struct fit_size image, const struct profile_variant *variant,
                          struct fit_size *crop);

#endif
