// SPDX-License-Identifier: Apache-2.0
/*
 * Most profiles that photos carry say what is taken for granted without one. Pure.
 */
#ifndef PIXMILL_CODEC_SRGB_PROFILE_H
#define PIXMILL_CODEC_SRGB_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True where an RGB profile changes no colour by more than two of 255 levels on its way to sRGB, by the intent that
 * colour_to_srgb would take. False for every other profile, and for what is none.
 */
bool srgb_profile_matches(const unsigned char *icc, size_t bytes);

#endif
