// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/webp_planes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <webp/decode.h>

/* Soft planes within studio range, and anything beyond their sides. */
static void make(struct planes *planes, int width_px, int height_px, unsigned char beyond)
{
    assert_int_equal(planes_init(planes, width_px, height_px, NULL), 0);
    planes->range = PLANES_STUDIO;
    for (int i = 0; i < PLANES_COUNT; i++) {
        const struct plane *plane = &planes->plane[i];
        for (int y = 0; y < plane->height_px; y++) {
            memset(plane_row(plane, y), beyond, plane->stride);
            for (int x = 0; x < plane->width_px; x++) {
                plane_row(plane, y)[x] = (unsigned char)(30 + 40 * i + (x + y) / 2);
            }
        }
    }
}

static double mean_difference(const struct plane *plane, const unsigned char *pixels, int stride)
{
    long sum = 0;
    for (int y = 0; y < plane->height_px; y++) {
        for (int x = 0; x < plane->width_px; x++) {
            sum += abs(plane_row(plane, y)[x] - pixels[y * stride + x]);
        }
    }
    return (double)sum / ((double)plane->width_px * plane->height_px);
}

static void planes_come_back(void **state)
{
    (void)state;
    static const int sides[][2] = {{64, 48}, {61, 47}, {1, 1}, {100, 1}, {2, 75}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        struct planes planes;
        struct encode_bytes bytes;
        int width_px = 0;
        int height_px = 0;
        int stride = 0;
        int chroma_stride = 0;
        uint8_t *blue = NULL;
        uint8_t *red = NULL;
        make(&planes, sides[i][0], sides[i][1], 255);
        assert_int_equal(webp_planes_write(&planes, 95, 4, &bytes, NULL), 0);
        uint8_t *luma = WebPDecodeYUV(bytes.data, bytes.bytes, &width_px, &height_px, &blue, &red, &stride,
                                      &chroma_stride);
        assert_non_null(luma);
        assert_true(width_px == sides[i][0] && height_px == sides[i][1]);
        assert_true(mean_difference(&planes.plane[PLANES_Y], luma, stride) < 2);
        assert_true(mean_difference(&planes.plane[PLANES_CB], blue, chroma_stride) < 3);
        assert_true(mean_difference(&planes.plane[PLANES_CR], red, chroma_stride) < 3);
        WebPFree(luma);
        encode_bytes_release(&bytes);
        planes_release(&planes);
    }
}

static void the_same_planes_give_the_same_bytes(void **state)
{
    (void)state;
    struct encode_bytes bytes[2];
    for (int i = 0; i < 2; i++) {
        struct planes planes;
        make(&planes, 61, 47, i == 0 ? 3 : 250);
        assert_int_equal(webp_planes_write(&planes, 85, 4, &bytes[i], NULL), 0);
        planes_release(&planes);
    }
    assert_int_equal(bytes[0].bytes, bytes[1].bytes);
    assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].bytes);
    encode_bytes_release(&bytes[0]);
    encode_bytes_release(&bytes[1]);
}

static void the_file_is_one_chunk_and_the_planes_stay(void **state)
{
    (void)state;
    struct planes planes;
    struct planes before;
    struct encode_bytes bytes;
    make(&planes, 61, 47, 9);
    make(&before, 61, 47, 9);
    for (int effort = 0; effort <= 6; effort++) {
        assert_int_equal(webp_planes_write(&planes, 85, effort, &bytes, NULL), 0);
        assert_memory_equal(bytes.data, "RIFF", 4);
        assert_memory_equal(bytes.data + 8, "WEBPVP8 ", 8);
        size_t chunk = (size_t)bytes.data[16] | (size_t)bytes.data[17] << 8 | (size_t)bytes.data[18] << 16;
        assert_int_equal(20 + chunk + (chunk & 1), bytes.bytes);
        encode_bytes_release(&bytes);
    }
    for (int i = 0; i < PLANES_COUNT; i++) {
        size_t count = planes.plane[i].stride * (size_t)planes.plane[i].height_px;
        assert_memory_equal(planes.plane[i].pixels, before.plane[i].pixels, count);
    }
    planes_release(&planes);
    planes_release(&before);
}

static void a_side_that_no_webp_can_have_is_too_large(void **state)
{
    (void)state;
    struct planes planes;
    struct encode_bytes bytes;
    struct err err = {.code = ERR_NONE};
    assert_int_equal(planes_init(&planes, 1, 16384, NULL), 0);
    planes.range = PLANES_STUDIO;
    assert_int_equal(webp_planes_write(&planes, 80, 4, &bytes, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    planes_release(&planes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_come_back),
        cmocka_unit_test(the_same_planes_give_the_same_bytes),
        cmocka_unit_test(the_file_is_one_chunk_and_the_planes_stay),
        cmocka_unit_test(a_side_that_no_webp_can_have_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
