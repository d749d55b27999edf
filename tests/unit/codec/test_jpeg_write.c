// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/jpeg_write.h"
#include "worker/codec/jpeg_planes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MARKER_APP0 = 0xe0, MARKER_DQT = 0xdb, MARKER_DHT = 0xc4, MARKER_SOF0 = 0xc0, MARKER_SOS = 0xda };

static void make(struct planes *planes, int width_px, int height_px, unsigned char beyond)
{
    assert_int_equal(planes_init(planes, width_px, height_px, NULL), 0);
    for (int i = 0; i < PLANES_COUNT; i++) {
        const struct plane *plane = &planes->plane[i];
        for (int y = 0; y < plane->height_px; y++) {
            memset(plane_row(plane, y), beyond, plane->stride);
            for (int x = 0; x < plane->width_px; x++) {
                plane_row(plane, y)[x] = (unsigned char)(40 + 60 * i + x + y);
            }
        }
    }
}

static int difference(const struct planes *a, const struct planes *b)
{
    int most = 0;
    for (int i = 0; i < PLANES_COUNT; i++) {
        assert_int_equal(a->plane[i].width_px, b->plane[i].width_px);
        assert_int_equal(a->plane[i].height_px, b->plane[i].height_px);
        for (int y = 0; y < a->plane[i].height_px; y++) {
            for (int x = 0; x < a->plane[i].width_px; x++) {
                int apart = abs(plane_row(&a->plane[i], y)[x] - plane_row(&b->plane[i], y)[x]);
                most = apart > most ? apart : most;
            }
        }
    }
    return most;
}

static void planes_come_back(void **state)
{
    (void)state;
    static const int sides[][2] = {{64, 48}, {61, 47}, {1, 1}, {16, 100}, {100, 1}, {9, 2}, {17, 33}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        struct planes planes;
        struct planes read;
        struct encode_bytes bytes;
        struct jpeg_planes_rules rules = {.max_scans = 1, .fails_on_warning = true};
        make(&planes, sides[i][0], sides[i][1], 255);
        assert_int_equal(jpeg_write(&planes, 95, &bytes, NULL), 0);
        struct jpeg_planes *jpeg = jpeg_planes_open(bytes.data, bytes.bytes, &rules);
        assert_non_null(jpeg);
        assert_int_equal(jpeg_planes_read(jpeg, &read, NULL), 0);
        assert_true(difference(&planes, &read) <= 4);
        jpeg_planes_close(jpeg);
        encode_bytes_release(&bytes);
        planes_release(&planes);
        planes_release(&read);
    }
}

/* What is beyond the sides is whatever was there before: nothing of it may show. */
static void the_same_planes_give_the_same_bytes(void **state)
{
    (void)state;
    struct encode_bytes bytes[2];
    for (int i = 0; i < 2; i++) {
        struct planes planes;
        make(&planes, 61, 47, i == 0 ? 3 : 250);
        assert_int_equal(jpeg_write(&planes, 85, &bytes[i], NULL), 0);
        planes_release(&planes);
    }
    assert_int_equal(bytes[0].bytes, bytes[1].bytes);
    assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].bytes);
    encode_bytes_release(&bytes[0]);
    encode_bytes_release(&bytes[1]);
}

static void it_is_baseline_with_half_chroma_and_no_metadata(void **state)
{
    (void)state;
    struct planes planes;
    struct encode_bytes bytes;
    bool has_frame = false;
    make(&planes, 64, 48, 0);
    assert_int_equal(jpeg_write(&planes, 90, &bytes, NULL), 0);
    size_t at = 2;
    while (bytes.data[at + 1] != MARKER_SOS) {
        unsigned marker = bytes.data[at + 1];
        assert_true(marker == MARKER_APP0 || marker == MARKER_DQT || marker == MARKER_DHT ||
                    marker == MARKER_SOF0);
        if (marker == MARKER_SOF0) {
            static const unsigned char components[] = {3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1};
            assert_memory_equal(bytes.data + at + 9, components, sizeof components);
            has_frame = true;
        }
        at += 2 + ((size_t)bytes.data[at + 2] << 8 | bytes.data[at + 3]);
    }
    assert_true(has_frame);
    encode_bytes_release(&bytes);
    planes_release(&planes);
}

static void more_quality_is_more_bytes(void **state)
{
    (void)state;
    struct planes planes;
    struct encode_bytes low;
    struct encode_bytes high;
    make(&planes, 200, 200, 0);
    assert_int_equal(jpeg_write(&planes, 20, &low, NULL), 0);
    assert_int_equal(jpeg_write(&planes, 95, &high, NULL), 0);
    assert_true(low.bytes < high.bytes);
    encode_bytes_release(&low);
    encode_bytes_release(&high);
    planes_release(&planes);
}

static void a_side_that_no_jpeg_can_have_is_too_large(void **state)
{
    (void)state;
    struct planes planes;
    struct encode_bytes bytes;
    struct err err = {.code = ERR_NONE};
    assert_int_equal(planes_init(&planes, 65501, 1, NULL), 0);
    assert_int_equal(jpeg_write(&planes, 80, &bytes, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    planes_release(&planes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_come_back),
        cmocka_unit_test(the_same_planes_give_the_same_bytes),
        cmocka_unit_test(it_is_baseline_with_half_chroma_and_no_metadata),
        cmocka_unit_test(more_quality_is_more_bytes),
        cmocka_unit_test(a_side_that_no_jpeg_can_have_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
