// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/jpeg_planes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/codec/jpeg_sample.h"

static const struct jpeg_planes_rules usual = {.max_scans = 100};

static void check_luma(const struct plane *plane, const unsigned char *pixels)
{
    for (int y = 0; y < plane->height_px; y++) {
        for (int x = 0; x < plane->width_px; x++) {
            assert_int_equal(plane_row(plane, y)[x],
                             pixels[((size_t)y * (size_t)plane->width_px + (size_t)x) * 3]);
        }
    }
}

/* Each sample of the plane is the mean of its four pixels, of those that are there. */
static void check_chroma(const struct planes *planes, int i, const unsigned char *pixels)
{
    int width_px = planes->plane[PLANES_Y].width_px;
    int height_px = planes->plane[PLANES_Y].height_px;
    const struct plane *plane = &planes->plane[i];
    for (int y = 0; y < plane->height_px; y++) {
        for (int x = 0; x < plane->width_px; x++) {
            int right = 2 * x + 1 < width_px ? 2 * x + 1 : 2 * x;
            int below = 2 * y + 1 < height_px ? 2 * y + 1 : 2 * y;
            int sum = pixels[(2 * y * width_px + 2 * x) * 3 + i] +
                      pixels[(2 * y * width_px + right) * 3 + i] +
                      pixels[(below * width_px + 2 * x) * 3 + i] + pixels[(below * width_px + right) * 3 + i];
            assert_int_equal(plane_row(plane, y)[x], (sum + 2) / 4);
        }
    }
}

static void check(const struct jpeg_sample *sample)
{
    unsigned char *data = NULL;
    size_t bytes = jpeg_sample_make(sample, &data);
    unsigned char *pixels = jpeg_sample_decode(data, bytes);
    struct jpeg_planes *jpeg = jpeg_planes_open(data, bytes, &usual);
    struct planes planes;
    struct err err;
    assert_non_null(jpeg);
    assert_int_equal(jpeg_planes_width_px(jpeg), sample->width_px);
    assert_int_equal(jpeg_planes_height_px(jpeg), sample->height_px);
    assert_int_equal(jpeg_planes_read(jpeg, &planes, &err), 0);
    jpeg_planes_close(jpeg);
    check_luma(&planes.plane[PLANES_Y], pixels);
    check_chroma(&planes, PLANES_CB, pixels);
    check_chroma(&planes, PLANES_CR, pixels);
    planes_release(&planes);
    free(pixels);
    free(data);
}

static void every_sampling_and_coding_comes_to_half_sides(void **state)
{
    (void)state;
    static const int sides[][2] = {{64, 48}, {61, 47}, {33, 16}, {17, 17}, {8, 8}, {1, 1}, {2, 35}, {100, 1}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        for (int kind = 0; kind < 4 * 4; kind++) {
            struct jpeg_sample sample = {.width_px = sides[i][0],
                                         .height_px = sides[i][1],
                                         .space = JCS_YCbCr,
                                         .across = 1 + kind % 2,
                                         .down = 1 + kind / 2 % 2,
                                         .is_progressive = (kind & 4) != 0,
                                         .is_arithmetic = (kind & 8) != 0};
            check(&sample);
        }
    }
}

static void grey_has_neutral_chroma(void **state)
{
    (void)state;
    for (int down = 1; down <= 2; down++) {
        struct jpeg_sample sample = {
            .width_px = 61, .height_px = 47, .space = JCS_GRAYSCALE, .across = down, .down = down};
        check(&sample);
        sample.is_progressive = true;
        check(&sample);
    }
}

static bool opens(const struct jpeg_sample *sample)
{
    unsigned char *data = NULL;
    size_t bytes = jpeg_sample_make(sample, &data);
    struct jpeg_planes *jpeg = jpeg_planes_open(data, bytes, &usual);
    bool is_open = jpeg != NULL;
    jpeg_planes_close(jpeg);
    free(data);
    return is_open;
}

static void what_has_no_such_planes_is_left_to_others(void **state)
{
    (void)state;
    struct jpeg_sample sample = {.width_px = 64, .height_px = 64, .space = JCS_RGB, .across = 1, .down = 1};
    assert_false(opens(&sample));
    sample =
        (struct jpeg_sample){.width_px = 64, .height_px = 64, .space = JCS_YCbCr, .across = 4, .down = 1};
    assert_false(opens(&sample));
    sample.across = 3;
    assert_false(opens(&sample));
    assert_null(jpeg_planes_open((const unsigned char *)"\xff\xd8\xff\xd9", 4, &usual));
    assert_null(jpeg_planes_open((const unsigned char *)"\xff\xd8", 2, &usual));
}

static int read_cut(const unsigned char *data, size_t bytes, const struct jpeg_planes_rules *rules,
                    struct err *err)
{
    struct jpeg_planes *jpeg = jpeg_planes_open(data, bytes, rules);
    struct planes planes;
    if (jpeg == NULL) {
        return err_set(err, ERR_CORRUPT_IMAGE, "refused at its header");
    }
    int rc = jpeg_planes_read(jpeg, &planes, err);
    if (rc == 0) {
        planes_release(&planes);
    }
    jpeg_planes_close(jpeg);
    return rc;
}

static void a_file_that_is_cut_off_is_corrupt(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct jpeg_sample sample = {.width_px = 200,
                                     .height_px = 150,
                                     .space = JCS_YCbCr,
                                     .across = 2,
                                     .down = 2,
                                     .is_progressive = kind % 2 == 1,
                                     .is_arithmetic = kind / 2 == 1};
        unsigned char *data = NULL;
        size_t bytes = jpeg_sample_make(&sample, &data);
        for (size_t cut = 0; cut < 95; cut++) {
            struct err err = {.code = ERR_NONE};
            assert_int_equal(read_cut(data, bytes * cut / 100, &usual, &err), -1);
            assert_int_equal(err.code, ERR_CORRUPT_IMAGE);
        }
        free(data);
    }
}

static void scans_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    struct jpeg_sample sample = {
        .width_px = 64, .height_px = 64, .space = JCS_YCbCr, .across = 2, .down = 2, .is_progressive = true};
    unsigned char *data = NULL;
    size_t bytes = jpeg_sample_make(&sample, &data);
    struct err err = {.code = ERR_NONE};
    /* libjpeg's own script has ten */
    assert_int_equal(read_cut(data, bytes, &(struct jpeg_planes_rules){.max_scans = 10}, &err), 0);
    assert_int_equal(read_cut(data, bytes, &(struct jpeg_planes_rules){.max_scans = 9}, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    free(data);
}

/* As some cameras write: bytes of nothing between the data and the marker at the end. */
static void a_warning_is_an_error_only_where_it_is_asked_to_be(void **state)
{
    (void)state;
    struct jpeg_sample sample = {
        .width_px = 64, .height_px = 64, .space = JCS_YCbCr, .across = 2, .down = 2, .is_progressive = true};
    unsigned char *data = NULL;
    size_t bytes = jpeg_sample_make(&sample, &data);
    unsigned char *strange = malloc(bytes + 5);
    assert_non_null(strange);
    memcpy(strange, data, bytes - 2);
    memset(strange + bytes - 2, 0x11, 5);
    memcpy(strange + bytes + 3, data + bytes - 2, 2);
    struct err err = {.code = ERR_NONE};
    struct jpeg_planes_rules strict = {.max_scans = 100, .fails_on_warning = true};
    assert_int_equal(read_cut(data, bytes, &strict, &err), 0);
    assert_int_equal(read_cut(strange, bytes + 5, &usual, &err), 0);
    assert_int_equal(read_cut(strange, bytes + 5, &strict, &err), -1);
    assert_int_equal(err.code, ERR_CORRUPT_IMAGE);
    free(strange);
    free(data);
}

/* Writes codes into the middle of the data that no table may have: all ones (ITU-T T.81 C). */
static void damage(unsigned char *data, size_t bytes, size_t count)
{
    for (size_t i = 0; i < count; i += 2) {
        data[bytes / 2 + i] = 0xff;
        data[bytes / 2 + i + 1] = 0;
    }
}

static void bad_codes_are_warned_of(void **state)
{
    (void)state;
    struct jpeg_sample sample = {
        .width_px = 300, .height_px = 300, .space = JCS_YCbCr, .across = 2, .down = 2};
    struct jpeg_planes_rules strict = {.max_scans = 100, .fails_on_warning = true};
    unsigned char *data = NULL;
    size_t bytes = jpeg_sample_make(&sample, &data);
    struct err err = {.code = ERR_NONE};
    assert_int_equal(read_cut(data, bytes, &strict, &err), 0);
    damage(data, bytes, 12);
    assert_int_equal(read_cut(data, bytes, &usual, &err), 0);
    assert_int_equal(read_cut(data, bytes, &strict, &err), -1);
    assert_int_equal(err.code, ERR_CORRUPT_IMAGE);
    /* nobody wants to see what is left of this */
    damage(data, bytes, bytes / 4);
    err.code = ERR_NONE;
    assert_int_equal(read_cut(data, bytes, &usual, &err), -1);
    assert_int_equal(err.code, ERR_CORRUPT_IMAGE);
    free(data);
}

static void a_profile_is_found(void **state)
{
    (void)state;
    static unsigned char icc[150000];
    for (size_t i = 0; i < sizeof icc; i++) {
        icc[i] = (unsigned char)(i * 7);
    }
    struct jpeg_sample sample = {.width_px = 16,
                                 .height_px = 16,
                                 .space = JCS_YCbCr,
                                 .across = 2,
                                 .down = 2,
                                 .icc = icc,
                                 .icc_bytes = sizeof icc};
    unsigned char *data = NULL;
    unsigned char *found = NULL;
    size_t found_bytes = 0;
    size_t bytes = jpeg_sample_make(&sample, &data);
    struct jpeg_planes *jpeg = jpeg_planes_open(data, bytes, &usual);
    assert_int_equal(jpeg_planes_icc(jpeg, &found, &found_bytes), JPEG_PLANES_ICC_WHOLE);
    assert_int_equal(found_bytes, sizeof icc);
    assert_memory_equal(found, icc, sizeof icc);
    free(found);
    jpeg_planes_close(jpeg);
    /* the second of three segments says that it is the ninth */
    unsigned char *second = memmem(data, bytes, "ICC_PROFILE\0\2", 13);
    assert_non_null(second);
    second[12] = 9;
    jpeg = jpeg_planes_open(data, bytes, &usual);
    assert_int_equal(jpeg_planes_icc(jpeg, &found, &found_bytes), JPEG_PLANES_ICC_BROKEN);
    jpeg_planes_close(jpeg);
    free(data);
    sample.icc = NULL;
    bytes = jpeg_sample_make(&sample, &data);
    jpeg = jpeg_planes_open(data, bytes, &usual);
    assert_int_equal(jpeg_planes_icc(jpeg, &found, &found_bytes), JPEG_PLANES_ICC_NONE);
    jpeg_planes_close(jpeg);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sampling_and_coding_comes_to_half_sides),
        cmocka_unit_test(grey_has_neutral_chroma),
        cmocka_unit_test(what_has_no_such_planes_is_left_to_others),
        cmocka_unit_test(a_file_that_is_cut_off_is_corrupt),
        cmocka_unit_test(scans_beyond_the_limit_are_refused),
        cmocka_unit_test(a_warning_is_an_error_only_where_it_is_asked_to_be),
        cmocka_unit_test(bad_codes_are_warned_of),
        cmocka_unit_test(a_profile_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
