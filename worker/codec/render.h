// SPDX-License-Identifier: Apache-2.0
/*
 * From one image's pixels to those of each variant. What was made for a large variant serves smaller ones, as long as it has
 * at least twice their pixels on each side: the last Lanczos step then still decides the sharpness.
 */
#ifndef PIXMILL_CODEC_RENDER_H
#define PIXMILL_CODEC_RENDER_H

#include "common/base/err.h"
#include "common/image/profile.h"

#include <vips/vips.h>

struct render {
    const struct profile *profile;
    VipsImage *canvas;                     /* full size, 3 or 4 bands, in memory; the caller's */
    VipsImage *made[PROFILE_MAX_VARIANTS]; /* owned; in memory; NULL until made */
    VipsImage *sketch;                     /* owned; NULL until made, or where a variant serves */
};

/* Begins with pixels that decode_image made; profile and canvas must live until render_release. */
void render_init(struct render *render, const struct profile *profile, VipsImage *canvas);

/* Frees what was made. */
void render_release(struct render *render);

/*
 * Makes the pixels of a variant: *out is in memory, 3 bands, or 4 where the variant keeps alpha and the image has it; it
 * belongs to the render. Returns 0, or -1 with ERR_OUT_OF_MEMORY or ERR_INTERNAL.
 */
int render_variant(struct render *render, size_t index, VipsImage **out, struct err *err) MUST_CHECK;

/*
 * Gives a small picture of the whole image, for what needs no more: a variant's that was made, or one of its own. *out as in
 * render_variant.
 */
int render_sketch(struct render *render, VipsImage **out, struct err *err) MUST_CHECK;

#endif
