// SPDX-License-Identifier: Apache-2.0
#include "common/image/profile.h"

#include "common/base/digest.h"
#include "common/base/text.h"

enum { IDENTITY_DIGEST_BYTES = 16 };

/* The small ones come first: they take an eighth of the time, and people wait for them. */
static const struct profile default_profile = {
    .name = "default-1",
    .identity = "default-1",
    .busy_seconds = 60,
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
                .effort_busy = 2,
                .background = {255, 255, 255},
            },
        },
};

static void digest_text(struct digest *digest, const char *text)
{
    /* with its NUL, so that no two lists of texts run together to the same */
    digest_add(digest, text, strlen(text) + 1);
}

static void digest_numbers(struct digest *digest, const struct profile_variant *v)
{
    char text[256];
    snprintf(text, sizeof text, "%d %d %d %d %d %d %d %d %d %d %d %d %d", v->fit, v->width_px, v->height_px,
             v->format, v->quality, v->effort, v->effort_busy, v->keeps_alpha, v->background[0],
             v->background[1], v->background[2], v->skip_if_larger, v->min_ssim);
    digest_text(digest, text);
}

/* Of everything that a profile says, each field once and in this order. To change it is to give every profile a new identity. */
static void digest_of_profile(const struct profile *profile, unsigned char out[DIGEST_BYTES])
{
    char text[32];
    struct digest *digest = digest_new();
    digest_text(digest, profile->name);
    snprintf(text, sizeof text, "%lld", (long long)profile->busy_seconds);
    digest_text(digest, text);
    for (size_t i = 0; i < profile->count; i++) {
        digest_text(digest, profile->variants[i].name);
        digest_text(digest, profile->variants[i].folder);
        digest_numbers(digest, &profile->variants[i]);
    }
    digest_finish(digest, out);
}

void profile_identify(struct profile *profile)
{
    unsigned char digest[DIGEST_BYTES];
    unsigned char built_in[DIGEST_BYTES];
    char digits[2 * IDENTITY_DIGEST_BYTES + 1];
    digest_of_profile(profile, digest);
    digest_of_profile(&default_profile, built_in);
    if (digest_equal(digest, built_in)) {
        snprintf(profile->identity, sizeof profile->identity, "%s", profile->name);
        return;
    }
    text_hex(digest, IDENTITY_DIGEST_BYTES, digits);
    snprintf(profile->identity, sizeof profile->identity, "%s-%s", profile->name, digits);
}

bool profile_variant_is_full_size(const struct profile_variant *variant)
{
    return variant->width_px == 0 && variant->height_px == 0;
}

bool profile_variant_may_hurry(const struct profile_variant *variant)
{
    return variant->format == IMAGE_WEBP && variant->effort_busy < variant->effort;
}

bool profile_hurry(const struct profile *profile, struct profile *hurried)
{
    struct profile refining;
    profile_refine(profile, &refining);
    if (refining.count == 0) {
        return false;
    }
    *hurried = *profile;
    for (size_t i = 0; i < hurried->count; i++) {
        if (profile_variant_may_hurry(&hurried->variants[i])) {
            hurried->variants[i].effort = hurried->variants[i].effort_busy;
        }
    }
    return true;
}

void profile_refine(const struct profile *profile, struct profile *refining)
{
    size_t count = 0;
    *refining = *profile;
    for (size_t i = 0; i < profile->count; i++) {
        if (profile_variant_may_hurry(&profile->variants[i])) {
            refining->variants[count++] = profile->variants[i];
        }
    }
    refining->count = count;
}

const struct profile *profile_default(void)
{
    return &default_profile;
}
