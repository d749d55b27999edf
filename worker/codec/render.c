// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/render.h"
#include "worker/codec/colour.h"
#include "worker/codec/fit.h"
#include "worker/codec/vips_err.h"

enum {
    LEAST_REDUCTION = 2, /* on each side, from a variant's pixels to those of a smaller one */
    SKETCH_PX = 128,
    SKETCH_MOST_PX = 256 /* a variant up to this side serves as a sketch */
};

/* Pixels are averaged to this many times the target before the Lanczos step; higher is slower and nearer to the full kernel. */
static const double lanczos_gap = 3.0;

void render_init(struct render *render, const struct profile *profile, VipsImage *canvas)
{
    *render = (struct render){.profile = profile, .canvas = canvas};
}

void render_release(struct render *render)
{
    for (size_t i = 0; i < PROFILE_MAX_VARIANTS; i++) {
        VIPS_UNREF(render->made[i]);
    }
    VIPS_UNREF(render->sketch);
}

static struct fit_size size_of(const struct render *render, size_t index)
{
    struct fit_size image = {render->canvas->Xsize, render->canvas->Ysize};
    const struct profile_variant *variant = &render->profile->variants[index];
    struct fit_size crop;
    if (variant->fit == PROFILE_INSIDE) {
        return fit_inside(image, variant);
    }
    (void)fit_cover(image, variant, &crop);
    return crop;
}

static bool looks_alike(const struct profile_variant *a, const struct profile_variant *b)
{
    return a->keeps_alpha == b->keeps_alpha &&
           memcmp(a->background, b->background, sizeof a->background) == 0;
}

/*
 * The smallest variant whose pixels can serve another: whole image, same treatment of alpha, less than the full size, and
 * large enough. -1 where there is none. It is larger than the one it serves, so that serving has no circle.
 */
static int source_of(const struct render *render, size_t index)
{
    const struct profile *profile = render->profile;
    struct fit_size target = size_of(render, index);
    int best = -1;
    int best_width = render->canvas->Xsize;
    for (size_t i = 0; i < profile->count; i++) {
        struct fit_size size = size_of(render, i);
        if (profile->variants[i].fit == PROFILE_INSIDE && size.width_px < best_width &&
            looks_alike(&profile->variants[i], &profile->variants[index]) &&
            size.width_px >= LEAST_REDUCTION * target.width_px &&
            size.height_px >= LEAST_REDUCTION * target.height_px) {
            best = (int)i;
            best_width = size.width_px;
        }
    }
    return best;
}

/* The image itself where the size is the same, else a reduction of it; with alpha, colours are weighted by it. */
static int reduce(VipsImage *in, struct fit_size size, VipsImage **out, struct err *err)
{
    double across = (double)size.width_px / in->Xsize;
    double down = (double)size.height_px / in->Ysize;
    VipsImage *weighted = NULL;
    VipsImage *resized = NULL;
    VipsImage *plain = NULL;
    int rc = -1;
    if (size.width_px == in->Xsize && size.height_px == in->Ysize) {
        return vips_copy(in, out, NULL) == 0 ? 0 : vips_err_take(err, ERR_INTERNAL, "can not copy the image");
    }
    if (in->Bands != 4) {
        rc = vips_resize(in, out, across, "vscale", down, "kernel", VIPS_KERNEL_LANCZOS3, "gap", lanczos_gap,
                         NULL);
    } else if (vips_premultiply(in, &weighted, NULL) == 0 &&
               vips_resize(weighted, &resized, across, "vscale", down, "kernel", VIPS_KERNEL_LANCZOS3, "gap",
                           lanczos_gap, NULL) == 0 &&
               vips_unpremultiply(resized, &plain, NULL) == 0) {
        rc = vips_cast_uchar(plain, out, NULL);
    }
    VIPS_UNREF(weighted);
    VIPS_UNREF(resized);
    VIPS_UNREF(plain);
    return rc == 0 ? 0 : vips_err_take(err, ERR_INTERNAL, "can not resize the image");
}

/* The pixels that a variant is cut from: reduced, and for PROFILE_COVER the part that draws the eye. */
static int shape(VipsImage *in, struct fit_size image, const struct profile_variant *variant, VipsImage **out,
                 struct err *err)
{
    if (variant->fit == PROFILE_INSIDE) {
        return reduce(in, fit_inside(image, variant), out, err);
    }
    struct fit_size crop;
    struct fit_size scaled = fit_cover(image, variant, &crop);
    VipsImage *reduced = NULL;
    VipsImage *held = NULL;
    if (reduce(in, scaled, &reduced, err) != 0) {
        return -1;
    }
    /* the search for what draws the eye reads the pixels more than once */
    held = vips_image_copy_memory(reduced);
    g_object_unref(reduced);
    int rc = held == NULL ? -1
                          : vips_smartcrop(held, out, crop.width_px, crop.height_px, "interesting",
                                           VIPS_INTERESTING_ATTENTION, NULL);
    VIPS_UNREF(held);
    return rc == 0 ? 0 : vips_err_take(err, ERR_INTERNAL, "can not crop the image");
}

static int make(struct render *render, size_t index, VipsImage *source, struct err *err)
{
    const struct profile_variant *variant = &render->profile->variants[index];
    struct fit_size image = {render->canvas->Xsize, render->canvas->Ysize};
    VipsImage *flat = NULL;
    VipsImage *shaped = NULL;
    if (source->Bands == 4 && !variant->keeps_alpha &&
        colour_flatten(source, variant->background, &flat, err) != 0) {
        return -1;
    }
    int rc = shape(flat != NULL ? flat : source, image, variant, &shaped, err);
    if (rc == 0) {
        render->made[index] = vips_image_copy_memory(shaped);
        rc = render->made[index] != NULL ? 0 : vips_err_take(err, ERR_INTERNAL, "can not render a variant");
    }
    VIPS_UNREF(shaped);
    VIPS_UNREF(flat);
    return rc;
}

int render_variant(struct render *render, size_t index, VipsImage **out, struct err *err)
{
    if (render->made[index] == NULL) {
        VipsImage *source = render->canvas;
        int larger = source_of(render, index);
        if (larger >= 0 && render_variant(render, (size_t)larger, &source, err) != 0) {
            return -1;
        }
        if (make(render, index, source, err) != 0) {
            return -1;
        }
    }
    *out = render->made[index];
    return 0;
}

/* The smallest whole image that there is. */
static VipsImage *smallest(const struct render *render)
{
    VipsImage *best = render->canvas;
    for (size_t i = 0; i < render->profile->count; i++) {
        VipsImage *made = render->made[i];
        if (made != NULL && render->profile->variants[i].fit == PROFILE_INSIDE && made->Xsize < best->Xsize &&
            made->Ysize <= best->Ysize) {
            best = made;
        }
    }
    return best;
}

int render_sketch(struct render *render, VipsImage **out, struct err *err)
{
    static const struct profile_variant box = {.width_px = SKETCH_PX, .height_px = SKETCH_PX};
    VipsImage *source = smallest(render);
    VipsImage *reduced = NULL;
    if (source->Xsize <= SKETCH_MOST_PX && source->Ysize <= SKETCH_MOST_PX) {
        *out = source;
        return 0;
    }
    if (reduce(source, fit_inside((struct fit_size){source->Xsize, source->Ysize}, &box), &reduced, err) !=
        0) {
        return -1;
    }
    render->sketch = vips_image_copy_memory(reduced);
    g_object_unref(reduced);
    if (render->sketch == NULL) {
        return vips_err_take(err, ERR_INTERNAL, "can not sketch the image");
    }
    *out = render->sketch;
    return 0;
}
