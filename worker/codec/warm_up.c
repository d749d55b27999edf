// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/warm_up.h"
#include "worker/codec/codec.h"
#include "worker/codec/encode.h"
#include "worker/codec/vips_err.h"

enum { SIDE_PX = 32, SAMPLE_BYTES = SIDE_PX * SIDE_PX * 4 };

enum { DIRECT = 2 /* so many of them can be made by the direct path */, EVERY = 4 };

/*
 * What the pipeline does for nearly every image: reduce, keep alpha, flatten; each format. Crops are left out: to look for what draws
 * the eye takes longer than all else here, and needs nothing that the cage forbids.
 */
static const struct profile every_path = {
    .name = "warm-up",
    .count = EVERY,
    .variants =
        {
            {.name = "small", .width_px = 4, .height_px = 4, .format = IMAGE_JPEG, .quality = 80},
            {.name = "full", .format = IMAGE_WEBP, .quality = 80, .effort = 4, .keeps_alpha = true},
            {.name = "half", .width_px = 16, .height_px = 16, .format = IMAGE_JPEG, .quality = 80},
            {.name = "other", .width_px = 5, .height_px = 5, .format = IMAGE_PNG, .quality = 80},
        },
};

static int drop_head(void *owner, const struct wire_head *head, struct err *err)
{
    (void)owner;
    (void)head;
    (void)err;
    return 0;
}

static int drop_variant(void *owner, const struct wire_variant *variant, const unsigned char *data,
                        struct err *err)
{
    (void)owner;
    (void)variant;
    (void)data;
    (void)err;
    return 0;
}

/* Runs a job with the first `count` variants. */
static int run(enum image_format format, const void *data, size_t bytes, size_t count, struct err *err)
{
    struct wire_job job = {
        .input_bytes = (int64_t)bytes,
        .format = format,
        .fail_on = WIRE_FAIL_ON_TRUNCATED,
        .limits = {.max_file_bytes = 1 << 20,
                   .min_side_px = 1,
                   .max_side_px = 1024,
                   .max_pixels = 1 << 20,
                   .max_frames = 1,
                   .max_scans = 1},
        .profile = every_path,
    };
    job.profile.count = count;
    struct codec_output output = {.head = drop_head, .variant = drop_variant};
    struct wire_done done;
    return codec_run(&job, data, bytes, &output, &done, err);
}

static int round_trip(VipsImage *image, enum image_format format, size_t count, struct err *err)
{
    struct profile_variant variant = {.format = format, .quality = 80, .effort = 4};
    struct encode_bytes bytes;
    if (encode_image(image, &variant, &bytes, err) != 0) {
        return -1;
    }
    int rc = run(format, bytes.data, bytes.bytes, count, err);
    encode_bytes_release(&bytes);
    return rc;
}

/* One decoder after the other; what follows a decoder of pixels is the same for all, so that it is tried once, with alpha. */
static int round_trips(VipsImage *with_alpha, VipsImage *without, struct err *err)
{
    /* a JPEG goes either way */
    if (round_trip(without, IMAGE_JPEG, DIRECT, err) != 0 ||
        round_trip(without, IMAGE_JPEG, EVERY, err) != 0 || round_trip(without, IMAGE_WEBP, 1, err) != 0) {
        return -1;
    }
    return round_trip(with_alpha, IMAGE_PNG, EVERY, err);
}

int warm_up(struct err *err)
{
    unsigned char pixels[SAMPLE_BYTES];
    int rc = -1;
    for (unsigned i = 0; i < sizeof pixels; i++) {
        pixels[i] = (unsigned char)(i * 7 + i / 256);
    }
    VipsImage *with_alpha =
        vips_image_new_from_memory_copy(pixels, sizeof pixels, SIDE_PX, SIDE_PX, 4, VIPS_FORMAT_UCHAR);
    VipsImage *without = vips_image_new_from_memory_copy(pixels, sizeof pixels / 4 * 3, SIDE_PX, SIDE_PX, 3,
                                                         VIPS_FORMAT_UCHAR);
    if (with_alpha == NULL || without == NULL) {
        vips_err_take(err, ERR_INTERNAL, "can not make a picture");
    } else {
        with_alpha->Type = VIPS_INTERPRETATION_sRGB;
        without->Type = VIPS_INTERPRETATION_sRGB;
        rc = round_trips(with_alpha, without, err);
    }
    VIPS_UNREF(with_alpha);
    VIPS_UNREF(without);
    return rc;
}

int warm_up_prove(struct err *err)
{
    static const char mat_file[128] = "MATLAB 5.0 MAT-file, named photo.jpg";
    struct err refusal = {.code = ERR_NONE};
    if (run(IMAGE_JPEG, mat_file, sizeof mat_file, 1, &refusal) == 0 ||
        refusal.code != ERR_UNSUPPORTED_FORMAT) {
        return err_set(err, ERR_INTERNAL, "a MAT file named .jpg is not refused");
    }
    return 0;
}
