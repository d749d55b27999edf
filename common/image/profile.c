// SPDX-License-Identifier: Apache-2.0
#include "common/image/profile.h"

/* The small ones come first: they take an eighth of the time, and people wait for them. */
static const struct profile default_profile = {
    .name = "default-1",
    .count = 3,
    .variants =
        {
            {
                .name = "thumbnail",
                .folder = "thumbnails",
                .fit = PROFILE_INSIDE,
                .width_px = 200,
                .height_px = 200,
                .format = IMAGE_JPEG,
                .quality = 85,
                .background = {255, 255, 255},
            },
            {
                .name = "medium",
                .folder = "medium",
                .fit = PROFILE_INSIDE,
                .width_px = 800,
                .height_px = 800,
                .format = IMAGE_JPEG,
                .quality = 90,
                .background = {255, 255, 255},
            },
            {
                .name = "webp",
                .folder = "webp",
                .fit = PROFILE_INSIDE,
                .format = IMAGE_WEBP,
                .quality = 85,
                .effort = 4,
                .background = {255, 255, 255},
            },
        },
};

bool profile_variant_is_full_size(const struct profile_variant *variant)
{
    return variant->width_px == 0 && variant->height_px == 0;
}

const struct profile *profile_default(void)
{
    return &default_profile;
}
