// SPDX-License-Identifier: Apache-2.0
/* The direct path and libvips' are given the same JPEGs, and what they make is held against each other. */
#include "worker/codec/codec.h"
#include "worker/codec/library.h"
#include "worker/codec/ycc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <lcms2.h>
#include <webp/decode.h>

#include "tests/unit/codec/jpeg_sample.h"

enum { THUMBNAIL, MEDIUM, WEBP, PNG, COUNT };

/* With the PNG, which the direct path can not make, a job takes the other one. */
static const struct profile profile = {
    .name = "test",
    .count = PNG,
    .variants = {[THUMBNAIL] = {.name = "thumbnail",
                                .width_px = 50,
                                .height_px = 50,
                                .format = IMAGE_JPEG,
                                .quality = 95},
                 [MEDIUM] = {.name = "medium",
                             .width_px = 120,
                             .height_px = 120,
                             .format = IMAGE_JPEG,
                             .quality = 95},
                 [WEBP] = {.name = "webp", .format = IMAGE_WEBP, .quality = 95, .effort = 4},
                 [PNG] = {.name = "png", .width_px = 4, .height_px = 4, .format = IMAGE_PNG, .quality = 80}},
};

struct made {
    unsigned order[COUNT];
    size_t count;
    int width_px[COUNT];
    int height_px[COUNT];
    unsigned char *rgb[COUNT];
};

static unsigned char *decode_jpeg(const unsigned char *data, size_t bytes)
{
    struct jpeg_decompress_struct codec;
    struct jpeg_error_mgr manager;
    codec.err = jpeg_std_error(&manager);
    jpeg_create_decompress(&codec);
    jpeg_mem_src(&codec, data, bytes);
    jpeg_read_header(&codec, TRUE);
    jpeg_start_decompress(&codec);
    size_t stride = (size_t)codec.output_width * 3;
    unsigned char *pixels = calloc(codec.output_height, stride);
    assert_non_null(pixels);
    while (codec.output_scanline < codec.output_height) {
        unsigned char *row = pixels + codec.output_scanline * stride;
        jpeg_read_scanlines(&codec, &row, 1);
    }
    jpeg_destroy_decompress(&codec);
    return pixels;
}

static int take_head(void *owner, const struct wire_head *head, struct err *err)
{
    (void)owner;
    (void)head;
    (void)err;
    return 0;
}

static int take_variant(void *owner, const struct wire_variant *variant, const unsigned char *data,
                        struct err *err)
{
    struct made *made = owner;
    size_t bytes = (size_t)variant->bytes;
    int width_px = 0;
    int height_px = 0;
    (void)err;
    made->order[made->count++] = variant->index;
    made->width_px[variant->index] = variant->width_px;
    made->height_px[variant->index] = variant->height_px;
    if (variant->index == WEBP) {
        made->rgb[WEBP] = WebPDecodeRGB(data, bytes, &width_px, &height_px);
        assert_true(width_px == variant->width_px && height_px == variant->height_px);
    } else if (variant->index != PNG) {
        made->rgb[variant->index] = decode_jpeg(data, bytes);
    }
    return 0;
}

static void forget(struct made *made)
{
    free(made->rgb[THUMBNAIL]);
    free(made->rgb[MEDIUM]);
    WebPFree(made->rgb[WEBP]);
}

static struct wire_job job_of(size_t bytes, size_t count)
{
    struct wire_job job = {.input_bytes = (int64_t)bytes,
                           .format = IMAGE_JPEG,
                           .fail_on = WIRE_FAIL_ON_TRUNCATED,
                           .limits = {.max_file_bytes = 1 << 20,
                                      .min_side_px = 1,
                                      .max_side_px = 1000,
                                      .max_pixels = 1 << 20,
                                      .max_frames = 1,
                                      .max_scans = 20},
                           .profile = profile};
    job.profile.count = count;
    return job;
}

static bool is_direct(const struct wire_job *job, const unsigned char *data, size_t bytes)
{
    struct decode_plan plan;
    struct ycc *ycc =
        decode_check(job, data, bytes, &plan, NULL) == 0 ? ycc_open(job, &plan, data, bytes) : NULL;
    bool is_open = ycc != NULL;
    ycc_close(ycc);
    return is_open;
}

static void run(const unsigned char *data, size_t bytes, size_t count, struct made *made)
{
    struct wire_job job = job_of(bytes, count);
    struct codec_output output = {.owner = made, .head = take_head, .variant = take_variant};
    struct wire_done done;
    struct err err;
    *made = (struct made){.count = 0};
    if (codec_run(&job, data, bytes, &output, &done, &err) != 0) {
        fail_msg("%s", err.sentence);
    }
    assert_int_equal(made->count, count);
    assert_true(done.width_px == made->width_px[WEBP] && done.height_px == made->height_px[WEBP]);
}

/* The two pictures of a variant: the same size, and nearly the same pixels. */
static void compare(const struct made *direct, const struct made *other, int index, const char *what)
{
    assert_int_equal(direct->width_px[index], other->width_px[index]);
    assert_int_equal(direct->height_px[index], other->height_px[index]);
    size_t count = (size_t)direct->width_px[index] * (size_t)direct->height_px[index] * 3;
    double sum = 0;
    int most = 0;
    for (size_t i = 0; i < count; i++) {
        int apart = abs(direct->rgb[index][i] - other->rgb[index][i]);
        most = apart > most ? apart : most;
        sum += apart;
    }
    if (sum / (double)count > 1.5 || most > 16) {
        fail_msg("%s, %s of %d x %d: %.2f apart in the mean, %d at most", what, profile.variants[index].name,
                 direct->width_px[index], direct->height_px[index], sum / (double)count, most);
    }
}

/* Returns whether the direct path took it. */
static bool check(const struct jpeg_sample *sample, const char *what)
{
    unsigned char *data = NULL;
    size_t bytes = jpeg_sample_make(sample, &data);
    struct wire_job job = job_of(bytes, PNG);
    struct made direct;
    struct made other;
    bool was_direct = is_direct(&job, data, bytes);
    run(data, bytes, PNG, &direct);
    run(data, bytes, COUNT, &other);
    for (int i = 0; i < PNG; i++) {
        compare(&direct, &other, i, what);
    }
    forget(&direct);
    forget(&other);
    free(data);
    return was_direct;
}

static void both_paths_agree_on_every_orientation(void **state)
{
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++) {
        struct jpeg_sample sample = {.width_px = 260,
                                     .height_px = 190,
                                     .space = JCS_YCbCr,
                                     .across = 2,
                                     .down = 2,
                                     .orientation = orientation};
        assert_true(check(&sample, "oriented"));
        /* odd sides: some are for the other path, all are right */
        sample.width_px = 261;
        sample.height_px = 191;
        assert_int_equal(check(&sample, "oriented and odd"), orientation == 1 || orientation == 5);
    }
}

static void both_paths_agree_on_every_sampling_and_coding(void **state)
{
    (void)state;
    for (int kind = 0; kind < 16; kind++) {
        struct jpeg_sample sample = {.width_px = 243,
                                     .height_px = 171,
                                     .space = JCS_YCbCr,
                                     .across = 1 + kind % 2,
                                     .down = 1 + kind / 2 % 2,
                                     .is_progressive = (kind & 4) != 0,
                                     .is_arithmetic = (kind & 8) != 0};
        assert_true(check(&sample, "sampling"));
    }
    struct jpeg_sample grey = {
        .width_px = 243, .height_px = 171, .space = JCS_GRAYSCALE, .across = 1, .down = 1};
    assert_true(check(&grey, "grey"));
    struct jpeg_sample rgb = {.width_px = 243, .height_px = 171, .space = JCS_RGB, .across = 1, .down = 1};
    assert_false(check(&rgb, "RGB"));
}

static void both_paths_agree_on_small_and_thin_pictures(void **state)
{
    (void)state;
    static const int sides[][2] = {{50, 50}, {49, 51}, {100, 99}, {120, 1},
                                   {1, 300}, {600, 3}, {2, 2},    {1, 1}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        struct jpeg_sample sample = {
            .width_px = sides[i][0], .height_px = sides[i][1], .space = JCS_YCbCr, .across = 2, .down = 2};
        assert_true(check(&sample, "small"));
    }
}

static void a_profile_goes_the_direct_way_only_if_it_is_srgb(void **state)
{
    (void)state;
    static const cmsCIExyY d65 = {0.3127, 0.3290, 1};
    static const cmsCIExyYTRIPLE wide = {{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}};
    cmsToneCurve *curve = cmsBuildGamma(NULL, 2.2);
    cmsToneCurve *curves[3] = {curve, curve, curve};
    cmsHPROFILE profiles[] = {cmsCreate_sRGBProfile(), cmsCreateRGBProfile(&d65, &wide, curves)};
    cmsFreeToneCurve(curve);
    for (int i = 0; i < 2; i++) {
        cmsUInt32Number bytes = 0;
        assert_true(cmsSaveProfileToMem(profiles[i], NULL, &bytes));
        unsigned char *icc = malloc(bytes);
        assert_true(icc != NULL && cmsSaveProfileToMem(profiles[i], icc, &bytes));
        struct jpeg_sample sample = {.width_px = 243,
                                     .height_px = 171,
                                     .space = JCS_YCbCr,
                                     .across = 2,
                                     .down = 2,
                                     .icc = icc,
                                     .icc_bytes = bytes};
        assert_int_equal(check(&sample, "profile"), i == 0);
        /* the same for nothing that is a profile: it is ignored, by the path that logs it */
        memset(icc, 0x55, bytes);
        assert_false(check(&sample, "no profile"));
        free(icc);
        cmsCloseProfile(profiles[i]);
    }
}

static void what_other_variants_need_goes_the_other_way(void **state)
{
    (void)state;
    struct jpeg_sample sample = {.width_px = 64, .height_px = 64, .space = JCS_YCbCr, .across = 2, .down = 2};
    unsigned char *data = NULL;
    size_t bytes = jpeg_sample_make(&sample, &data);
    struct wire_job job = job_of(bytes, PNG);
    assert_true(is_direct(&job, data, bytes));
    job.profile.variants[MEDIUM].fit = PROFILE_COVER;
    assert_false(is_direct(&job, data, bytes));
    job = job_of(bytes, COUNT);
    assert_false(is_direct(&job, data, bytes));
    free(data);
}

static int note_order(void *owner, const struct wire_variant *variant, const unsigned char *data,
                      struct err *err)
{
    struct made *made = owner;
    (void)data;
    (void)err;
    made->order[made->count++] = variant->index;
    made->width_px[variant->index] = variant->width_px;
    return 0;
}

/* A client waits for the small ones. WebPs may be reduced, too. */
static void jpegs_come_before_any_webp(void **state)
{
    (void)state;
    struct jpeg_sample sample = {
        .width_px = 260, .height_px = 190, .space = JCS_YCbCr, .across = 2, .down = 2};
    unsigned char *data = NULL;
    size_t bytes = jpeg_sample_make(&sample, &data);
    struct wire_job job = job_of(bytes, PNG);
    struct made made = {.count = 0};
    struct codec_output output = {.owner = &made, .head = take_head, .variant = note_order};
    struct wire_done done;
    job.profile.variants[0] = profile.variants[WEBP];
    job.profile.variants[1] = profile.variants[THUMBNAIL];
    job.profile.variants[2] = profile.variants[WEBP];
    job.profile.variants[2].width_px = 100;
    assert_int_equal(codec_run(&job, data, bytes, &output, &done, NULL), 0);
    assert_int_equal(made.count, 3);
    assert_true(made.order[0] == 1 && made.order[1] == 0 && made.order[2] == 2);
    assert_true(made.width_px[0] == 260 && made.width_px[1] == 50 && made.width_px[2] == 100);
    free(data);
}

static int start_library(void **state)
{
    (void)state;
    return library_start(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_paths_agree_on_every_orientation),
        cmocka_unit_test(both_paths_agree_on_every_sampling_and_coding),
        cmocka_unit_test(both_paths_agree_on_small_and_thin_pictures),
        cmocka_unit_test(a_profile_goes_the_direct_way_only_if_it_is_srgb),
        cmocka_unit_test(what_other_variants_need_goes_the_other_way),
        cmocka_unit_test(jpegs_come_before_any_webp),
    };
    return cmocka_run_group_tests(tests, start_library, NULL);
}
