// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/planes_resize.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef double sample_fn(double x, double y);

/* Fills the planes with a function of the place in the picture, in pixels of luma; a sample stands for its middle. */
static void make(struct planes *planes, int width_px, int height_px, sample_fn *value)
{
    assert_int_equal(planes_init(planes, width_px, height_px, NULL), 0);
    for (int i = 0; i < PLANES_COUNT; i++) {
        const struct plane *plane = &planes->plane[i];
        int step = i == PLANES_Y ? 1 : 2;
        for (int y = 0; y < plane->height_px; y++) {
            for (int x = 0; x < plane->width_px; x++) {
                plane_row(plane, y)[x] = (unsigned char)lround(value((x + 0.5) * step, (y + 0.5) * step));
            }
        }
    }
}

static double grey(double x, double y)
{
    (void)x;
    (void)y;
    return 201;
}

static double ramp(double x, double y)
{
    return 20 + x * 0.13 + y * 0.09;
}

static double noise(double x, double y)
{
    unsigned mixed = ((unsigned)(x * 2) * 2654435761U) ^ ((unsigned)(y * 2) * 2246822519U);
    mixed = (mixed ^ (mixed >> 15)) * 2654435761U;
    return mixed >> 24;
}

static double lanczos(double x)
{
    const double pi = acos(-1);
    if (fabs(x) < 1e-9) {
        return 1;
    }
    return fabs(x) >= 3 ? 0 : 3 * sin(pi * x) * sin(pi * x / 3) / (pi * pi * x * x);
}

/* The textbook's sum over both axes at once, in floating point. */
static double exact(const struct plane *in, double scale_x, double scale_y, int x, int y)
{
    double sum = 0;
    double weights = 0;
    for (int row = 0; row < in->height_px; row++) {
        double down = lanczos((row + 0.5) / scale_y - (y + 0.5));
        for (int column = 0; down != 0 && column < in->width_px; column++) {
            double weight = down * lanczos((column + 0.5) / scale_x - (x + 0.5));
            sum += weight * plane_row(in, row)[column];
            weights += weight;
        }
    }
    return fmin(255, fmax(0, sum / weights));
}

static const int sizes[][4] = {{64, 48, 20, 15}, {101, 77, 50, 38}, {101, 77, 33, 25}, {40, 30, 39, 29},
                               {300, 9, 100, 3}, {9, 300, 3, 100},  {150, 4, 50, 1},   {33, 33, 1, 1},
                               {200, 160, 8, 6}, {17, 16, 17, 16},  {640, 20, 200, 6}, {3, 2, 2, 1}};

static void results_are_within_one_of_the_exact_sum(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct planes in;
        struct planes out;
        make(&in, sizes[i][0], sizes[i][1], noise);
        assert_int_equal(planes_resize(&in, sizes[i][2], sizes[i][3], &out, NULL), 0);
        for (int p = 0; p < PLANES_COUNT; p++) {
            const struct plane *plane = &out.plane[p];
            for (int y = 0; y < plane->height_px; y++) {
                for (int x = 0; x < plane->width_px; x++) {
                    double wanted = exact(&in.plane[p], (double)sizes[i][0] / sizes[i][2],
                                          (double)sizes[i][1] / sizes[i][3], x, y);
                    if (fabs(wanted - plane_row(plane, y)[x]) > 1) {
                        fail_msg("%d x %d to %d x %d, plane %d at %d, %d: %d, not %.2f", sizes[i][0],
                                 sizes[i][1], sizes[i][2], sizes[i][3], p, x, y, plane_row(plane, y)[x],
                                 wanted);
                    }
                }
            }
        }
        planes_release(&in);
        planes_release(&out);
    }
}

static void an_even_surface_keeps_its_value(void **state)
{
    (void)state;
    struct planes in;
    struct planes out;
    make(&in, 1234, 77, grey);
    assert_int_equal(planes_resize(&in, 200, 12, &out, NULL), 0);
    for (int i = 0; i < PLANES_COUNT; i++) {
        for (int y = 0; y < out.plane[i].height_px; y++) {
            for (int x = 0; x < out.plane[i].width_px; x++) {
                assert_int_equal(plane_row(&out.plane[i], y)[x], 201);
            }
        }
    }
    planes_release(&in);
    planes_release(&out);
}

/* A shift of chroma against luma by half a sample would show as a step of the ramp. */
static void luma_and_chroma_stay_where_they_are(void **state)
{
    (void)state;
    struct planes in;
    struct planes out;
    make(&in, 801, 603, ramp);
    assert_int_equal(planes_resize(&in, 267, 201, &out, NULL), 0);
    for (int i = 0; i < PLANES_COUNT; i++) {
        const struct plane *plane = &out.plane[i];
        double step = i == PLANES_Y ? 3 : 6;
        for (int y = 4; y < plane->height_px - 4; y++) {
            for (int x = 4; x < plane->width_px - 4; x++) {
                double wanted = ramp((x + 0.5) * step, (y + 0.5) * step);
                assert_true(fabs(plane_row(plane, y)[x] - wanted) <= 0.9);
            }
        }
    }
    planes_release(&in);
    planes_release(&out);
}

static void the_same_size_is_the_same_picture(void **state)
{
    (void)state;
    struct planes in;
    struct planes out;
    make(&in, 37, 21, noise);
    assert_int_equal(planes_resize(&in, 37, 21, &out, NULL), 0);
    for (int i = 0; i < PLANES_COUNT; i++) {
        for (int y = 0; y < in.plane[i].height_px; y++) {
            assert_memory_equal(plane_row(&in.plane[i], y), plane_row(&out.plane[i], y),
                                (size_t)in.plane[i].width_px);
        }
    }
    planes_release(&in);
    planes_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_within_one_of_the_exact_sum),
        cmocka_unit_test(an_even_surface_keeps_its_value),
        cmocka_unit_test(luma_and_chroma_stay_where_they_are),
        cmocka_unit_test(the_same_size_is_the_same_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
