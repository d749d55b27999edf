// SPDX-License-Identifier: Apache-2.0
/* Profiles of any bytes: what is read keeps every limit that others rely on, and what is refused says why. */
#include "common/image/image_name.h"
#include "common/image/profile_read.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_variant(const struct profile_variant *variant)
{
    static const char original[] = "products/2026/01/31/0188f0a0-0000-4000-8000-000000000000.jpg";
    char name[IMAGE_NAME_BYTES];
    struct err err;
    assert(image_name_variant(name, original, variant->folder, INT64_MAX, variant->format, &err) == 0);
    assert(image_name_is_safe(name));
    assert(variant->width_px >= 0 && variant->width_px <= 16383);
    assert(variant->height_px >= 0 && variant->height_px <= 16383);
    assert(variant->quality >= 1 && variant->quality <= 100);
    assert(variant->effort >= 0 && variant->effort <= 6 && variant->effort_busy <= variant->effort);
    assert(variant->min_ssim >= 0 && variant->min_ssim <= PROFILE_SIMILARITY_ONE);
    assert(variant->fit == PROFILE_INSIDE || (variant->width_px > 0 && variant->height_px > 0));
    assert(!variant->keeps_alpha || variant->format != IMAGE_JPEG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct profile profile;
    struct err err = {.code = ERR_NONE, .sentence = ""};
    if (profile_read((const char *)data, bytes, &profile, &err) != 0) {
        assert(err.code == ERR_CONFIG && err.sentence[0] != '\0');
        return 0;
    }
    assert(profile.count >= 1 && profile.count <= PROFILE_MAX_VARIANTS);
    assert(strlen(profile.identity) >= strlen(profile.name));
    for (size_t i = 0; i < profile.count; i++) {
        check_variant(&profile.variants[i]);
        for (size_t j = 0; j < i; j++) {
            assert(strcmp(profile.variants[i].name, profile.variants[j].name) != 0);
            assert(strcmp(profile.variants[i].folder, profile.variants[j].folder) != 0);
        }
    }
    return 0;
}
