// SPDX-License-Identifier: Apache-2.0
/*
 * A profile: the named variants that are made of every image. Pure data.
 */
#ifndef PIXMILL_IMAGE_PROFILE_H
#define PIXMILL_IMAGE_PROFILE_H

#include "common/image/image_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROFILE_MAX_VARIANTS = 8,
    PROFILE_NAME_BYTES = 24,
    PROFILE_IDENTITY_BYTES = PROFILE_NAME_BYTES + 33,
    PROFILE_SIMILARITY_ONE = 1000 /* what min_ssim counts as 1 */
};

enum profile_fit { PROFILE_INSIDE, PROFILE_COVER };

struct profile_variant {
    char name[PROFILE_NAME_BYTES];   /* "thumbnail" */
    char folder[PROFILE_NAME_BYTES]; /* of the stored name: "thumbnails" */
    enum profile_fit fit;
    int width_px; /* the box to fit in; 0: full size */
    int height_px;
    enum image_format format;
    int quality;                 /* 1..100; PNG has none */
    int effort;                  /* libwebp's method, 0..6, that it ends with; ignored for other formats */
    int effort_busy;             /* the same for the first pass while there is a backlog; not above effort */
    bool keeps_alpha;            /* else alpha is flattened on the background */
    unsigned char background[3]; /* sRGB */
    bool skip_if_larger;         /* leave it out where it has more bytes than the original */
    int min_ssim;                /* thousandths; quality is raised until it is reached; 0: whatever comes */
};

struct profile {
    char name[PROFILE_NAME_BYTES];
    char identity[PROFILE_IDENTITY_BYTES]; /* kept on the rows that it made: see profile_identify */
    int64_t busy_seconds;                  /* a backlog that is longer counts as busy */
    size_t count;
    struct profile_variant variants[PROFILE_MAX_VARIANTS]; /* in the order in which they are made */
};

/* True where a variant has no box: making it takes most of the time. */
bool profile_variant_is_full_size(const struct profile_variant *variant);

/* True where a variant is made with less effort while there is a backlog, and again with all of it later. */
bool profile_variant_may_hurry(const struct profile_variant *variant);

/* Makes *hurried the same profile with effort_busy for effort. Returns false, and fills nothing, where no variant may hurry. */
bool profile_hurry(const struct profile *profile, struct profile *hurried);

/* Makes *refining the same profile without the variants that may not hurry; there may be none left. */
void profile_refine(const struct profile *profile, struct profile *refining);

/*
 * Sets the identity: the name alone where the content is the built-in's, else the name, '-' and 32 hexadecimal digits of the content's
 * SHA-256. Two profiles with one identity make the same bytes of the same image: so many digits that nobody can make another one
 * with the identity of one that is kept (clients send profiles).
 */
void profile_identify(struct profile *profile);

/* The built-in profile, "default-1": thumbnail 200 JPEG q85, medium 800 JPEG q90, webp full size q85 effort 4 (2 where busy). Static. */
const struct profile *profile_default(void);

#endif
