// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/ycc.h"
#include "common/base/alloc.h"
#include "worker/codec/fit.h"
#include "worker/codec/jpeg_planes.h"
#include "worker/codec/jpeg_write.h"
#include "worker/codec/planes_resize.h"
#include "worker/codec/sketch.h"
#include "worker/codec/srgb_profile.h"
#include "worker/codec/webp_planes.h"

#include <stdlib.h>

enum { LEAST_REDUCTION = 2 /* on each side, from a variant's pixels to those of a smaller one */ };

struct ycc {
    const struct profile *profile;
    struct jpeg_planes *jpeg;
    int orientation;
    struct planes image;                      /* full size, upright */
    struct planes made[PROFILE_MAX_VARIANTS]; /* of the variants that are smaller; in the range of `image` */
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

/* A broken profile is for the other path too, which tells the log. */
static bool is_colour_suited(struct jpeg_planes *jpeg)
{
    unsigned char *icc = NULL;
    size_t bytes = 0;
    enum jpeg_planes_icc found = jpeg_planes_icc(jpeg, &icc, &bytes);
    bool is_suited =
        found == JPEG_PLANES_ICC_NONE || (found == JPEG_PLANES_ICC_WHOLE && srgb_profile_matches(icc, bytes));
    free(icc);
    return is_suited;
}

struct ycc *ycc_open(const struct wire_job *job, const struct decode_plan *plan, const unsigned char *data,
                     size_t bytes)
{
    const struct image_head *head = &plan->head;
    if (head->format != IMAGE_JPEG || !is_profile_suited(&job->profile) ||
        !planes_may_turn(head->width_px, head->height_px, plan->orientation)) {
        return NULL;
    }
    struct jpeg_planes_rules rules = {.max_scans = job->limits.max_scans,
                                      .fails_on_warning = job->fail_on == WIRE_FAIL_ON_WARNING};
    struct jpeg_planes *jpeg = jpeg_planes_open(data, bytes, &rules);
    if (jpeg == NULL || jpeg_planes_width_px(jpeg) != head->width_px ||
        jpeg_planes_height_px(jpeg) != head->height_px || !is_colour_suited(jpeg)) {
        jpeg_planes_close(jpeg);
        return NULL;
    }
    struct ycc *ycc = alloc_zeroed(1, sizeof *ycc);
    ycc->profile = &job->profile;
    ycc->jpeg = jpeg;
    ycc->orientation = plan->orientation;
    return ycc;
}

static struct fit_size size_of(const struct planes *planes)
{
    return (struct fit_size){planes->plane[PLANES_Y].width_px, planes->plane[PLANES_Y].height_px};
}

int ycc_decode(struct ycc *ycc, struct wire_done *done, struct err *err)
{
    if (jpeg_planes_read(ycc->jpeg, &ycc->image, err) != 0) {
        return -1;
    }
    /* the decoder's own memory (all coefficients of a progressive image) is not needed beside what follows */
    jpeg_planes_close(ycc->jpeg);
    ycc->jpeg = NULL;
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

/* The planes of a variant. They belong to ycc. */
static struct planes *render(struct ycc *ycc, size_t index, struct err *err)
{
    struct fit_size target = target_of(ycc, index);
    struct planes *source = &ycc->image;
    struct fit_size full = size_of(source);
    if (target.width_px == full.width_px && target.height_px == full.height_px) {
        return source;
    }
    if (ycc->made[index].plane[PLANES_Y].pixels == NULL) {
        int larger = source_of(ycc, index);
        source = larger >= 0 ? render(ycc, (size_t)larger, err) : source;
        if (source == NULL ||
            planes_resize(source, target.width_px, target.height_px, &ycc->made[index], err) != 0) {
            return NULL;
        }
    }
    return &ycc->made[index];
}

static int make_variant(struct ycc *ycc, size_t index, const struct codec_output *output, struct err *err)
{
    const struct profile_variant *variant = &ycc->profile->variants[index];
    struct planes *planes = render(ycc, index, err);
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
    jpeg_planes_close(ycc->jpeg);
    planes_release(&ycc->image);
    forget_made(ycc);
    free(ycc);
}
