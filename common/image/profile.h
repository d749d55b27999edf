// SPDX-License-Identifier: Apache-2.0
/*
 * A profile: the named variants that are made of every image. Pure data.
 */
#ifndef PIXMILL_IMAGE_PROFILE_H
#define PIXMILL_IMAGE_PROFILE_H

#include "common/image/image_format.h"

#include <stdbool.h>
#include <stddef.h>

enum { PROFILE_MAX_VARIANTS = 8, PROFILE_NAME_BYTES = 24 };

enum profile_fit { PROFILE_INSIDE, PROFILE_COVER };

struct profile_variant {
    char name[PROFILE_NAME_BYTES];   /* "thumbnail" */
    char folder[PROFILE_NAME_BYTES]; /* of the stored name: "thumbnails" */
    enum profile_fit fit;
    int width_px; /* the box to fit in; 0: full size */
    int height_px;
    enum image_format format;
    int quality;                 /* 1..100 */
    int effort;                  /* libwebp's method, 0..6; ignored for other formats */
    bool keeps_alpha;            /* else alpha is flattened on the background */
    unsigned char background[3]; /* sRGB */
};

struct profile {
    char name[PROFILE_NAME_BYTES]; /* kept on the row that it made */
    size_t count;
    struct profile_variant variants[PROFILE_MAX_VARIANTS]; /* in the order in which they are made */
};

/* True where a variant has no box: making it takes most of the time. */
bool profile_variant_is_full_size(const struct profile_variant *variant);

/* The built-in profile, "default-1": thumbnail 200 JPEG q85, medium 800 JPEG q90, webp full size q85 effort 4. Static. */
const struct profile *profile_default(void);

#endif
