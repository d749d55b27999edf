// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/planes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void make(struct planes *planes, int width_px, int height_px)
{
    assert_int_equal(planes_init(planes, width_px, height_px, NULL), 0);
    for (int i = 0; i < PLANES_COUNT; i++) {
        const struct plane *plane = &planes->plane[i];
        for (int y = 0; y < plane->height_px; y++) {
            for (int x = 0; x < plane->width_px; x++) {
                plane_row(plane, y)[x] = (unsigned char)(x * 7 + y * 31 + i * 101 + x * y);
            }
        }
    }
}

static void chroma_has_half_the_sides_rounded_up(void **state)
{
    (void)state;
    struct planes planes;
    make(&planes, 5, 4);
    assert_int_equal(planes.plane[PLANES_CB].width_px, 3);
    assert_int_equal(planes.plane[PLANES_CR].height_px, 2);
    planes_release(&planes);
    assert_null(planes.plane[PLANES_Y].pixels);
    planes_release(&planes);
}

static void each_level_comes_to_the_nearest_of_studio_range(void **state)
{
    (void)state;
    struct planes planes;
    assert_int_equal(planes_init(&planes, 512, 2, NULL), 0);
    for (int i = 0; i < PLANES_COUNT; i++) {
        for (int x = 0; x < planes.plane[i].width_px; x++) {
            for (int y = 0; y < planes.plane[i].height_px; y++) {
                plane_row(&planes.plane[i], y)[x] = (unsigned char)x;
            }
        }
    }
    planes_to_studio(&planes);
    for (int level = 0; level < 256; level++) {
        int luma = (int)lround(16 + level * 219 / 255.0);
        int chroma = (int)lround(128 + (level - 128) * 224 / 255.0);
        assert_int_equal(plane_row(&planes.plane[PLANES_Y], 0)[level], luma);
        assert_int_equal(plane_row(&planes.plane[PLANES_Y], 1)[256 + level], luma);
        assert_int_equal(plane_row(&planes.plane[PLANES_CB], 0)[level], chroma);
        assert_int_equal(plane_row(&planes.plane[PLANES_CR], 0)[level], chroma);
    }
    planes_release(&planes);
}

static void each_level_comes_to_the_nearest_of_full_range(void **state)
{
    (void)state;
    struct planes planes;
    assert_int_equal(planes_init(&planes, 512, 2, NULL), 0);
    for (int i = 0; i < PLANES_COUNT; i++) {
        for (int x = 0; x < planes.plane[i].width_px; x++) {
            for (int y = 0; y < planes.plane[i].height_px; y++) {
                plane_row(&planes.plane[i], y)[x] = (unsigned char)x;
            }
        }
    }
    planes.range = PLANES_STUDIO;
    planes_to_full(&planes);
    assert_int_equal(planes.range, PLANES_FULL);
    for (int level = 0; level < 256; level++) {
        /* what is beyond the studio range is as black, white or coloured as can be */
        double luma = fmax(0, fmin(255, (level - 16) * 255 / 219.0));
        double chroma = fmax(0, fmin(255, 128 + (level - 128) * 255 / 224.0));
        assert_true(fabs(plane_row(&planes.plane[PLANES_Y], 1)[256 + level] - luma) <= 0.5);
        assert_true(fabs(plane_row(&planes.plane[PLANES_CB], 0)[level] - chroma) <= 0.5);
        assert_true(fabs(plane_row(&planes.plane[PLANES_CR], 0)[level] - chroma) <= 0.5);
    }
    planes_release(&planes);
}

static void a_range_is_left_once(void **state)
{
    (void)state;
    struct planes planes;
    struct planes copy;
    make(&planes, 33, 20);
    planes_to_full(&planes);
    assert_int_equal(plane_row(&planes.plane[PLANES_Y], 1)[2], 2 * 7 + 31 + 2);
    planes_to_studio(&planes);
    assert_int_equal(planes_copy(&planes, &copy, NULL), 0);
    assert_int_equal(copy.range, PLANES_STUDIO);
    planes_to_studio(&planes);
    for (int i = 0; i < PLANES_COUNT; i++) {
        for (int y = 0; y < planes.plane[i].height_px; y++) {
            assert_memory_equal(plane_row(&planes.plane[i], y), plane_row(&copy.plane[i], y),
                                (size_t)copy.plane[i].width_px);
        }
    }
    planes_release(&planes);
    planes_release(&copy);
}

/* EXIF 2.32, Orientation: where a stored sample is seen. */
static void seen_at(int orientation, const struct plane *stored, int x, int y, int *seen_x, int *seen_y)
{
    int right = stored->width_px - 1 - x;
    int bottom = stored->height_px - 1 - y;
    const int places[9][2] = {[1] = {x, y}, [2] = {right, y},  [3] = {right, bottom}, [4] = {x, bottom},
                              [5] = {y, x}, [6] = {bottom, x}, [7] = {bottom, right}, [8] = {y, right}};
    *seen_x = places[orientation][0];
    *seen_y = places[orientation][1];
}

static void check_turned(const struct planes *stored, const struct planes *turned, int orientation)
{
    for (int i = 0; i < PLANES_COUNT; i++) {
        const struct plane *plane = &stored->plane[i];
        const struct plane *upright = &turned->plane[i];
        assert_int_equal(upright->width_px, orientation >= 5 ? plane->height_px : plane->width_px);
        assert_int_equal(upright->height_px, orientation >= 5 ? plane->width_px : plane->height_px);
        for (int y = 0; y < plane->height_px; y++) {
            for (int x = 0; x < plane->width_px; x++) {
                int seen_x = 0;
                int seen_y = 0;
                seen_at(orientation, plane, x, y, &seen_x, &seen_y);
                assert_int_equal(plane_row(upright, seen_y)[seen_x], plane_row(plane, y)[x]);
            }
        }
    }
}

static void every_orientation_is_brought_upright(void **state)
{
    (void)state;
    static const int sides[][2] = {{2, 2},   {16, 16}, {18, 34}, {50, 16},
                                   {64, 46}, {100, 2}, {2, 70},  {31, 17}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        for (int orientation = 1; orientation <= 8; orientation++) {
            struct planes stored;
            struct planes turned;
            make(&stored, sides[i][0], sides[i][1]);
            make(&turned, sides[i][0], sides[i][1]);
            assert_int_equal(planes_turn(&turned, orientation, NULL), 0);
            check_turned(&stored, &turned, orientation);
            planes_release(&stored);
            planes_release(&turned);
        }
    }
}

static void odd_sides_turn_only_where_they_are_not_mirrored(void **state)
{
    (void)state;
    static const bool may_odd_width[9] = {[1] = true, [4] = true, [5] = true, [6] = true};
    static const bool may_odd_height[9] = {[1] = true, [2] = true, [5] = true, [8] = true};
    for (int orientation = 1; orientation <= 8; orientation++) {
        assert_true(planes_may_turn(4, 6, orientation));
        assert_int_equal(planes_may_turn(5, 6, orientation), may_odd_width[orientation]);
        assert_int_equal(planes_may_turn(4, 7, orientation), may_odd_height[orientation]);
    }
}

static void edges_are_repeated_to_whole_blocks(void **state)
{
    (void)state;
    struct planes planes;
    make(&planes, 21, 35);
    planes_pad(&planes);
    for (int i = 0; i < PLANES_COUNT; i++) {
        const struct plane *plane = &planes.plane[i];
        int last_x = plane->width_px - 1;
        int last_y = plane->height_px - 1;
        for (int y = 0; y < (plane->height_px + PLANE_BLOCK_PX - 1) / PLANE_BLOCK_PX * PLANE_BLOCK_PX; y++) {
            for (int x = 0; x < (int)plane->stride; x++) {
                int expected = plane_row(plane, y < last_y ? y : last_y)[x < last_x ? x : last_x];
                assert_int_equal(plane_row(plane, y)[x], expected);
            }
        }
    }
    planes_release(&planes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chroma_has_half_the_sides_rounded_up),
        cmocka_unit_test(each_level_comes_to_the_nearest_of_studio_range),
        cmocka_unit_test(each_level_comes_to_the_nearest_of_full_range),
        cmocka_unit_test(a_range_is_left_once),
        cmocka_unit_test(every_orientation_is_brought_upright),
        cmocka_unit_test(odd_sides_turn_only_where_they_are_not_mirrored),
        cmocka_unit_test(edges_are_repeated_to_whole_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
