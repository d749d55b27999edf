// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/srgb_profile.h"

#include <lcms2.h>
#include <stdint.h>
#include <stdlib.h>

/* A grid over the cube of colours, its corners included. */
enum { GRID_STEPS = 9, GRID_COLOURS = GRID_STEPS * GRID_STEPS * GRID_STEPS, CHANNELS = 3, MOST_LEVELS = 2 };

static void fill_grid(unsigned char grid[GRID_COLOURS * CHANNELS])
{
    for (int i = 0; i < GRID_COLOURS; i++) {
        int steps[CHANNELS] = {i % GRID_STEPS, i / GRID_STEPS % GRID_STEPS, i / GRID_STEPS / GRID_STEPS};
        for (int channel = 0; channel < CHANNELS; channel++) {
            grid[i * CHANNELS + channel] = (unsigned char)(steps[channel] * 255 / (GRID_STEPS - 1));
        }
    }
}

static bool changes_nothing(cmsHTRANSFORM transform)
{
    unsigned char before[GRID_COLOURS * CHANNELS];
    unsigned char after[GRID_COLOURS * CHANNELS];
    fill_grid(before);
    cmsDoTransform(transform, before, after, GRID_COLOURS);
    for (size_t i = 0; i < sizeof before; i++) {
        if (abs(before[i] - after[i]) > MOST_LEVELS) {
            return false;
        }
    }
    return true;
}

static bool matches(cmsHPROFILE profile, cmsUInt32Number intent)
{
    cmsHPROFILE srgb = cmsCreate_sRGBProfile();
    cmsHTRANSFORM transform = srgb == NULL ? NULL
                                           : cmsCreateTransform(profile, TYPE_RGB_8, srgb, TYPE_RGB_8, intent,
                                                                cmsFLAGS_NOOPTIMIZE | cmsFLAGS_NOCACHE);
    bool is_match = transform != NULL && changes_nothing(transform);
    if (transform != NULL) {
        cmsDeleteTransform(transform);
    }
    if (srgb != NULL) {
        cmsCloseProfile(srgb);
    }
    return is_match;
}

bool srgb_profile_matches(const unsigned char *icc, size_t bytes)
{
    cmsHPROFILE profile = bytes > UINT32_MAX ? NULL : cmsOpenProfileFromMem(icc, (cmsUInt32Number)bytes);
    bool is_match = false;
    if (profile == NULL) {
        return false;
    }
    if (cmsGetColorSpace(profile) == cmsSigRgbData) {
        if (cmsIsIntentSupported(profile, INTENT_RELATIVE_COLORIMETRIC, LCMS_USED_AS_INPUT)) {
            is_match = matches(profile, INTENT_RELATIVE_COLORIMETRIC);
        } else if (cmsIsIntentSupported(profile, INTENT_PERCEPTUAL, LCMS_USED_AS_INPUT)) {
            is_match = matches(profile, INTENT_PERCEPTUAL);
        }
    }
    cmsCloseProfile(profile);
    return is_match;
}
