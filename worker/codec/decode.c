// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/decode.h"
#include "worker/codec/colour.h"
#include "worker/codec/orientation.h"
#include "worker/codec/png_data.h"
#include "worker/codec/vips_err.h"

#include <assert.h>
#include <inttypes.h>

static int check_outline(const struct wire_job *job, const struct outline *outline, struct err *err)
{
    if (outline->frames > job->limits.max_frames) {
        return err_set(err, ERR_TOO_LARGE, "%" PRId64 " frames, at most %" PRId64 " are taken",
                       outline->frames, job->limits.max_frames);
    }
    if (outline->scans > job->limits.max_scans) {
        return err_set(err, ERR_TOO_LARGE, "%" PRId64 " scans, at most %" PRId64 " are taken", outline->scans,
                       job->limits.max_scans);
    }
    if (!outline->is_sound) {
        return err_set(err, ERR_CORRUPT_IMAGE, "a chunk's checksum is wrong");
    }
    if (!outline->is_whole && job->fail_on != WIRE_FAIL_ON_ERROR) {
        return err_set(err, ERR_CORRUPT_IMAGE, "the file ends before the image does");
    }
    return 0;
}

int decode_check(const struct wire_job *job, const unsigned char *data, size_t bytes,
                 struct decode_plan *plan, struct err *err)
{
    struct image_head head;
    image_head_init(&head);
    if (image_head_feed(&head, data, bytes, err) == IMAGE_HEAD_MORE) {
        image_head_end(&head, err);
    }
    if (head.state == IMAGE_HEAD_REFUSED) {
        return -1;
    }
    if (head.format != job->format) {
        return err_set(err, ERR_UNSUPPORTED_FORMAT, "the file is %s, not %s as at its upload",
                       image_format_word(head.format), image_format_word(job->format));
    }
    if (image_limits_check(&job->limits, head.width_px, head.height_px, err) != 0) {
        return -1;
    }
    struct outline outline;
    outline_read(&outline, head.format, data, bytes);
    if (check_outline(job, &outline, err) != 0) {
        return -1;
    }
    int orientation = outline.exif == NULL ? 1 : orientation_read(outline.exif, outline.exif_bytes);
    *plan = (struct decode_plan){.head = head, .outline = outline, .orientation = orientation};
    return 0;
}

/* A missing end is found by the outline; what is asked of libvips is that no pixel be made up. */
static VipsFailOn vips_fail_on(enum wire_fail_on fail_on)
{
    return fail_on == WIRE_FAIL_ON_WARNING ? VIPS_FAIL_ON_WARNING : VIPS_FAIL_ON_ERROR;
}

/* libvips takes a file's bytes as void *, and only reads them. */
static void *without_const(const unsigned char *data)
{
    void *same;
    memcpy(&same, &data, sizeof same);
    return same;
}

static VipsImage *load(const struct wire_job *job, enum image_format format, const unsigned char *data,
                       size_t bytes)
{
    VipsFailOn fail_on = vips_fail_on(job->fail_on);
    VipsImage *image = NULL;
    void *source = without_const(data);
    switch (format) {
    case IMAGE_JPEG:
        (void)vips_jpegload_buffer(source, bytes, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                   fail_on, NULL);
        break;
    case IMAGE_PNG:
        (void)vips_pngload_buffer(source, bytes, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", fail_on,
                                  NULL);
        break;
    case IMAGE_WEBP:
        (void)vips_webpload_buffer(source, bytes, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                   fail_on, "page", 0, "n", 1, NULL);
        break;
    case IMAGE_UNKNOWN:
    case IMAGE_FORMAT_COUNT:
        /* decode_check lets no other format pass */
        assert(false);
    }
    return image;
}

const unsigned char *decode_background(const struct profile *profile)
{
    const unsigned char *first = profile->variants[0].background;
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_variant *variant = &profile->variants[i];
        if (variant->keeps_alpha || memcmp(variant->background, first, sizeof variant->background) != 0) {
            return NULL;
        }
    }
    return first;
}

enum { MOST_ORIENTATION = 8 };

enum mirror { MIRROR_NONE, MIRROR_LEFT_RIGHT, MIRROR_TOP_BOTTOM };

/* EXIF orientations 2..8 as a turn to the right, then a mirroring. */
static const struct {
    VipsAngle turn;
    enum mirror mirror;
} upright[MOST_ORIENTATION + 1] = {
    [2] = {VIPS_ANGLE_D0, MIRROR_LEFT_RIGHT}, [3] = {VIPS_ANGLE_D180, MIRROR_NONE},
    [4] = {VIPS_ANGLE_D0, MIRROR_TOP_BOTTOM}, [5] = {VIPS_ANGLE_D90, MIRROR_LEFT_RIGHT},
    [6] = {VIPS_ANGLE_D90, MIRROR_NONE},      [7] = {VIPS_ANGLE_D90, MIRROR_TOP_BOTTOM},
    [8] = {VIPS_ANGLE_D270, MIRROR_NONE},
};

/* Replaces *image, which is in memory, by itself turned upright, in memory. */
static int turn_upright(VipsImage **image, int orientation, struct err *err)
{
    VipsImage *turned = NULL;
    VipsImage *mirrored = NULL;
    VipsImage *copied = NULL;
    assert(orientation >= 1 && orientation <= MOST_ORIENTATION);
    if (orientation == 1) {
        return 0;
    }
    enum mirror mirror = upright[orientation].mirror;
    VipsDirection direction =
        mirror == MIRROR_TOP_BOTTOM ? VIPS_DIRECTION_VERTICAL : VIPS_DIRECTION_HORIZONTAL;
    if (vips_rot(*image, &turned, upright[orientation].turn, NULL) == 0 &&
        (mirror == MIRROR_NONE || vips_flip(turned, &mirrored, direction, NULL) == 0)) {
        copied = vips_image_copy_memory(mirrored != NULL ? mirrored : turned);
    }
    VIPS_UNREF(mirrored);
    VIPS_UNREF(turned);
    if (copied == NULL) {
        return vips_err_take(err, ERR_INTERNAL, "can not turn the image upright");
    }
    g_object_unref(*image);
    *image = copied;
    return 0;
}

/* From a loaded image to pixels in memory: this is where everything is decoded. */
static int to_memory(const struct wire_job *job, VipsImage *loaded, VipsImage **out, struct err *err)
{
    VipsImage *srgb = NULL;
    VipsImage *flat = NULL;
    const unsigned char *background = decode_background(&job->profile);
    if (colour_to_srgb(loaded, &srgb, err) != 0) {
        return -1;
    }
    int rc = 0;
    if (srgb->Bands == 4 && background != NULL) {
        rc = colour_flatten(srgb, background, &flat, err);
    }
    if (rc == 0) {
        *out = vips_image_copy_memory(flat != NULL ? flat : srgb);
        rc = *out != NULL ? 0 : vips_err_take(err, ERR_CORRUPT_IMAGE, "can not decode the image");
    }
    VIPS_UNREF(flat);
    VIPS_UNREF(srgb);
    return rc;
}

int decode_image(const struct wire_job *job, const struct decode_plan *plan, const unsigned char *data,
                 size_t bytes, VipsImage **out, struct err *err)
{
    const struct image_head *head = &plan->head;
    VipsImage *pixels = NULL;
    if (head->format == IMAGE_PNG && !png_data_is_sound(data, bytes)) {
        return err_set(err, ERR_CORRUPT_IMAGE, "the compressed pixels are damaged");
    }
    VipsImage *loaded = load(job, head->format, data, bytes);
    if (loaded == NULL) {
        return vips_err_take(err, ERR_CORRUPT_IMAGE, "can not read the image");
    }
    int rc = -1;
    if (loaded->Xsize != head->width_px || loaded->Ysize != head->height_px) {
        err_set(err, ERR_CORRUPT_IMAGE, "%d x %d px, where the header says %d x %d", loaded->Xsize,
                loaded->Ysize, head->width_px, head->height_px);
    } else {
        rc = to_memory(job, loaded, &pixels, err);
    }
    g_object_unref(loaded);
    if (rc != 0) {
        return -1;
    }
    if (turn_upright(&pixels, plan->orientation, err) != 0) {
        g_object_unref(pixels);
        return -1;
    }
    *out = pixels;
    return 0;
}
