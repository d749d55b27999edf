// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/sketch.h"
#include "worker/codec/blurhash.h"
#include "worker/codec/fit.h"
#include "worker/codec/planes_resize.h"

#include <stdlib.h>

enum { SKETCH_PX = 128, SKETCH_MOST_PX = 256 /* what is not larger is taken as it is */ };

static unsigned char clamp(double value)
{
    return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

/* JFIF 1.02, in either range; the nearest chroma sample will do for what is blurred anyway. */
static void to_rgb(const struct planes *planes, unsigned char *out)
{
    const bool is_studio = planes->range == PLANES_STUDIO;
    const double black = is_studio ? 16 : 0;
    const double luma_step = is_studio ? 255.0 / 219 : 1;
    const double chroma_step = is_studio ? 255.0 / 224 : 1;
    const struct plane *luma = &planes->plane[PLANES_Y];
    for (int y = 0; y < luma->height_px; y++) {
        const unsigned char *level = plane_row(luma, y);
        const unsigned char *blue = plane_row(&planes->plane[PLANES_CB], y / 2);
        const unsigned char *red = plane_row(&planes->plane[PLANES_CR], y / 2);
        for (int x = 0; x < luma->width_px; x++, out += 3) {
            double grey = (level[x] - black) * luma_step;
            int pair = x / 2;
            double cb = (blue[pair] - 128) * chroma_step;
            double cr = (red[pair] - 128) * chroma_step;
            out[0] = clamp(grey + 1.402 * cr);
            out[1] = clamp(grey - 0.344136 * cb - 0.714136 * cr);
            out[2] = clamp(grey + 1.772 * cb);
        }
    }
}

static int describe(const struct planes *planes, struct wire_done *done, struct err *err)
{
    struct blurhash_pixels pixels = {.width_px = planes->plane[PLANES_Y].width_px,
                                     .height_px = planes->plane[PLANES_Y].height_px,
                                     .bands = 3,
                                     .stride = (size_t)planes->plane[PLANES_Y].width_px * 3};
    unsigned char *data = malloc(pixels.stride * (size_t)pixels.height_px);
    if (data == NULL) {
        return err_set(err, ERR_OUT_OF_MEMORY, "no memory for a sketch");
    }
    to_rgb(planes, data);
    pixels.data = data;
    blurhash_encode(&pixels, done->blurhash);
    blurhash_dominant_colour(&pixels, done->dominant_colour);
    free(data);
    return 0;
}

int sketch_planes(const struct planes *planes, struct wire_done *done, struct err *err)
{
    static const struct profile_variant box = {.width_px = SKETCH_PX, .height_px = SKETCH_PX};
    struct fit_size full = {planes->plane[PLANES_Y].width_px, planes->plane[PLANES_Y].height_px};
    struct planes reduced;
    if (full.width_px <= SKETCH_MOST_PX && full.height_px <= SKETCH_MOST_PX) {
        return describe(planes, done, err);
    }
    struct fit_size small = fit_inside(full, &box);
    if (planes_resize(planes, small.width_px, small.height_px, &reduced, err) != 0) {
        return -1;
    }
    int rc = describe(&reduced, done, err);
    planes_release(&reduced);
    return rc;
}
