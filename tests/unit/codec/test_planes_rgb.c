// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/planes_rgb.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BANDS = 3, STEP = 15, LEVELS = 256 / STEP + 1 };

/* JFIF 1.02, without rounding. */
static void exact(const double rgb[BANDS], double out[PLANES_COUNT])
{
    out[PLANES_Y] = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    out[PLANES_CB] = 128 + (rgb[2] - out[PLANES_Y]) / 1.772;
    out[PLANES_CR] = 128 + (rgb[0] - out[PLANES_Y]) / 1.402;
}

/* Nothing is beyond 255, so that what would be is next to it. */
static void check(unsigned char found, double wanted)
{
    assert_true(fabs(found - fmin(255, wanted)) < 0.52);
}

static void every_colour_is_as_jfif_has_it(void **state)
{
    (void)state;
    struct planes planes;
    unsigned char rows[2][3 * BANDS];
    assert_int_equal(planes_init(&planes, 2, 2, NULL), 0);
    for (int i = 0; i < LEVELS * LEVELS * LEVELS; i++) {
        double rgb[BANDS] = {i % LEVELS * STEP, i / LEVELS % LEVELS * STEP, i / LEVELS / LEVELS * STEP};
        double wanted[PLANES_COUNT];
        for (int k = 0; k < 2 * BANDS; k++) {
            rows[0][k] = rows[1][k] = (unsigned char)rgb[k % BANDS];
        }
        planes_put_rgb(&planes, 0, rows[0], rows[1]);
        exact(rgb, wanted);
        for (int plane = 0; plane < PLANES_COUNT; plane++) {
            check(plane_row(&planes.plane[plane], 0)[0], wanted[plane]);
        }
    }
    planes_release(&planes);
}

static unsigned char value_at(int x, int y, int band)
{
    return (unsigned char)(x * 37 + y * 91 + band * 53 + x * y * 7);
}

static void check_picture(const struct planes *planes, int width_px, int height_px)
{
    for (int y = 0; y < height_px; y++) {
        for (int x = 0; x < width_px; x++) {
            /* beyond an odd side the last pixel counts twice */
            int right = x / 2 * 2 + 1 < width_px ? x / 2 * 2 + 1 : width_px - 1;
            int bottom = y / 2 * 2 + 1 < height_px ? y / 2 * 2 + 1 : height_px - 1;
            double one[BANDS];
            double four[BANDS];
            double luma[PLANES_COUNT];
            double chroma[PLANES_COUNT];
            for (int band = 0; band < BANDS; band++) {
                one[band] = value_at(x, y, band);
                four[band] = (value_at(x / 2 * 2, y / 2 * 2, band) + value_at(right, y / 2 * 2, band) +
                              value_at(x / 2 * 2, bottom, band) + value_at(right, bottom, band)) /
                             4.0;
            }
            exact(one, luma);
            exact(four, chroma);
            check(plane_row(&planes->plane[PLANES_Y], y)[x], luma[PLANES_Y]);
            check(plane_row(&planes->plane[PLANES_CB], y / 2)[x / 2], chroma[PLANES_CB]);
            check(plane_row(&planes->plane[PLANES_CR], y / 2)[x / 2], chroma[PLANES_CR]);
        }
    }
}

static void chroma_is_of_the_mean_of_four(void **state)
{
    (void)state;
    static const int sides[][2] = {{1, 1}, {2, 2}, {1, 4}, {5, 1}, {33, 18}, {64, 7}, {101, 31}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        struct planes planes;
        int width_px = sides[i][0];
        int height_px = sides[i][1];
        unsigned char *rows[2];
        assert_int_equal(planes_init(&planes, width_px, height_px, NULL), 0);
        for (int k = 0; k < 2; k++) {
            rows[k] = malloc(((size_t)width_px + 1) * BANDS);
            assert_non_null(rows[k]);
        }
        for (int y = 0; y < height_px; y++) {
            for (int k = 0; k < width_px * BANDS; k++) {
                rows[y % 2][k] = value_at(k / BANDS, y, k % BANDS);
            }
            if (y % 2 == 1 || y + 1 == height_px) {
                planes_put_rgb(&planes, y / 2 * 2, rows[0], rows[y % 2]);
            }
        }
        check_picture(&planes, width_px, height_px);
        free(rows[0]);
        free(rows[1]);
        planes_release(&planes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_colour_is_as_jfif_has_it),
        cmocka_unit_test(chroma_is_of_the_mean_of_four),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
