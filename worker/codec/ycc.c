// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/ycc.h"
#include "common/base/alloc.h"
#include "worker/codec/fit.h"
#include "worker/codec/jpeg_write.h"
#include "worker/codec/planes_resize.h"
#include "worker/codec/sketch.h"
#include "worker/codec/webp_planes.h"
#include "worker/codec/ycc_source.h"

#include <stdlib.h>

enum { LEAST_REDUCTION = 2 /* on each side, from a variant's pixels to those of a smaller one */ };

struct ycc {
    const struct profile *profile;
    struct ycc_source *source; /* NULL once it was read */
    int orientation;
    struct planes image;                      /* full size, upright */
    struct planes made[PROFILE_MAX_VARIANTS]; /* of variants, in the range that they are encoded in */
};

static bool is_profile_suited(const struct profile *profile)
{
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_variant *variant = &profile->variants[i];
        if (variant->fit != PROFILE_INSIDE || variant->min_ssim > 0 ||
            (variant->format != IMAGE_JPEG && variant->format != IMAGE_WEBP)) {
            return false;
        }
    }
    return true;
}

struct ycc *ycc_open(const struct wire_job *job, const struct decode_plan *plan, const unsigned char *data,
                     size_t bytes)
{
    const struct image_head *head = &plan->head;
    if (!is_profile_suited(&job->profile) ||
        !planes_may_turn(head->width_px, head->height_px, plan->orientation)) {
        return NULL;
    }
    struct ycc_source *source = ycc_source_open(job, head, data, bytes);
    if (source == NULL) {
        return NULL;
    }
    struct ycc *ycc = alloc_zeroed(1, sizeof *ycc);
    ycc->profile = &job->profile;
    ycc->source = source;
    ycc->orientation = plan->orientation;
    return ycc;
}

static struct fit_size size_of(const struct planes *planes)
{
    return (struct fit_size){planes->plane[PLANES_Y].width_px, planes->plane[PLANES_Y].height_px};
}

int ycc_decode(struct ycc *ycc, struct wire_done *done, struct err *err)
{
    if (ycc_source_read(ycc->source, &ycc->image, err) != 0) {
        return -1;
    }
    /* the decoder's own memory (all coefficients of a progressive image) is not needed beside what follows */
    ycc_source_close(ycc->source);
    ycc->source = NULL;
    if (planes_turn(&ycc->image, ycc->orientation, err) != 0) {
        return -1;
    }
    done->width_px = size_of(&ycc->image).width_px;
    done->height_px = size_of(&ycc->image).height_px;
    return 0;
}

static struct fit_size target_of(const struct ycc *ycc, size_t index)
{
    return fit_inside(size_of(&ycc->image), &ycc->profile->variants[index]);
}

/* The smallest variant that is smaller than the image and yet large enough to make another from. -1 where there is none. */
static int source_of(const struct ycc *ycc, size_t index)
{
    struct fit_size target = target_of(ycc, index);
    int best = -1;
    int best_width = size_of(&ycc->image).width_px;
    for (size_t i = 0; i < ycc->profile->count; i++) {
        struct fit_size size = target_of(ycc, i);
        if (size.width_px < best_width && size.width_px >= LEAST_REDUCTION * target.width_px &&
            size.height_px >= LEAST_REDUCTION * target.height_px) {
            best = (int)i;
            best_width = size.width_px;
        }
    }
    return best;
}

static void bring_to(struct planes *planes, enum planes_range range)
{
    if (range == PLANES_FULL) {
        planes_to_full(planes);
    } else {
        planes_to_studio(planes);
    }
}

static bool is_full_size(const struct ycc *ycc, size_t index)
{
    struct fit_size target = target_of(ycc, index);
    struct fit_size full = size_of(&ycc->image);
    return target.width_px == full.width_px && target.height_px == full.height_px;
}

/* The planes of a variant, in a range. They belong to ycc. */
static struct planes *render(struct ycc *ycc, size_t index, enum planes_range range, struct err *err)
{
    struct planes *made = &ycc->made[index];
    if (is_full_size(ycc, index) && ycc->image.range == range) {
        return &ycc->image;
    }
    if (made->plane[PLANES_Y].pixels != NULL) {
        return made;
    }
    struct fit_size target = target_of(ycc, index);
    int larger = source_of(ycc, index);
    const struct planes *source = larger >= 0 ? render(ycc, (size_t)larger, range, err) : &ycc->image;
    if (source == NULL) {
        return NULL;
    }
    int rc = is_full_size(ycc, index) ? planes_copy(source, made, err)
                                      : planes_resize(source, target.width_px, target.height_px, made, err);
    if (rc != 0) {
        return NULL;
    }
    bring_to(made, range);
    return made;
}

static int make_variant(struct ycc *ycc, size_t index, const struct codec_output *output, struct err *err)
{
    const struct profile_variant *variant = &ycc->profile->variants[index];
    enum planes_range range = variant->format == IMAGE_JPEG ? PLANES_FULL : PLANES_STUDIO;
    struct planes *planes = render(ycc, index, range, err);
    struct encode_bytes bytes;
    if (planes == NULL) {
        return -1;
    }
    int rc = variant->format == IMAGE_JPEG
                 ? jpeg_write(planes, variant->quality, &bytes, err)
                 : webp_planes_write(planes, variant->quality, variant->effort, &bytes, err);
    if (rc != 0) {
        return -1;
    }
    struct wire_variant made = {.index = (unsigned)index,
                                .width_px = size_of(planes).width_px,
                                .height_px = size_of(planes).height_px,
                                .bytes = (int64_t)bytes.bytes};
    rc = output->variant(output->owner, &made, bytes.data, err);
    encode_bytes_release(&bytes);
    return rc;
}

static int make_all(struct ycc *ycc, enum image_format format, const struct codec_output *output,
                    struct err *err)
{
    for (size_t i = 0; i < ycc->profile->count; i++) {
        if (ycc->profile->variants[i].format == format && make_variant(ycc, i, output, err) != 0) {
            return err_context(err, "%s", ycc->profile->variants[i].name);
        }
    }
    return 0;
}

static void forget_made(struct ycc *ycc)
{
    for (size_t i = 0; i < PROFILE_MAX_VARIANTS; i++) {
        planes_release(&ycc->made[i]);
    }
}

/* The smallest planes that there are. */
static const struct planes *smallest(const struct ycc *ycc)
{
    const struct planes *best = &ycc->image;
    for (size_t i = 0; i < ycc->profile->count; i++) {
        const struct planes *made = &ycc->made[i];
        if (made->plane[PLANES_Y].pixels != NULL && size_of(made).width_px < size_of(best).width_px) {
            best = made;
        }
    }
    return best;
}

int ycc_make(struct ycc *ycc, const struct codec_output *output, struct wire_done *done, struct err *err)
{
    if (make_all(ycc, IMAGE_JPEG, output, err) != 0 || sketch_planes(smallest(ycc), done, err) != 0) {
        return -1;
    }
    /* no JPEG needs the full range any more */
    forget_made(ycc);
    planes_to_studio(&ycc->image);
    return make_all(ycc, IMAGE_WEBP, output, err);
}

void ycc_close(struct ycc *ycc)
{
    if (ycc == NULL) {
        return;
    }
    ycc_source_close(ycc->source);
    planes_release(&ycc->image);
    forget_made(ycc);
    free(ycc);
}
