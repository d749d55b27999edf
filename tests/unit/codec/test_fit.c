// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/fit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* width, height, box, and what Pillow 9.4's Image.thumbnail makes of it */
static const int pillow[][6] = {
    {400, 300, 200, 200, 200, 150},
    {300, 400, 200, 200, 150, 200},
    {200, 200, 200, 200, 200, 200},
    {199, 300, 200, 200, 133, 200},
    {5000, 1, 200, 200, 200, 1},
    {1, 5000, 200, 200, 1, 200},
    {5000, 12, 200, 200, 200, 1},
    {5000, 13, 200, 200, 200, 1},
    {5000, 37, 200, 200, 200, 2},
    {5000, 38, 200, 200, 200, 2},
    {3, 2, 2, 2, 2, 1},
    {5, 3, 4, 4, 4, 2},
    {1165, 859, 200, 200, 200, 147},
    {1165, 859, 800, 800, 800, 590},
    {2725, 2225, 200, 200, 200, 163},
    {2725, 2225, 800, 800, 800, 653},
    {312, 442, 200, 200, 141, 200},
    {4000, 3000, 800, 600, 800, 600},
    {801, 800, 800, 800, 800, 799},
    {800, 801, 800, 800, 799, 800},
    {1001, 999, 800, 800, 800, 798},
    {599, 401, 200, 100, 149, 100},
    {4999, 5000, 800, 800, 800, 800},
    {2093, 2938, 200, 200, 142, 200},
    {3815, 2041, 200, 200, 200, 107},
    {1285, 928, 7, 5, 7, 5},
    {3843, 2020, 3, 11, 3, 2},
    {4455, 836, 800, 800, 800, 150},
    {108, 1776, 3, 11, 1, 11},
    {2290, 1492, 3, 11, 3, 2},
    {1308, 590, 800, 800, 800, 361},
    {3645, 1038, 800, 800, 800, 228},
    {15, 44, 800, 800, 15, 44},
    {1766, 1359, 800, 800, 800, 616},
    {2370, 2570, 800, 800, 738, 800},
    {4418, 1678, 800, 800, 800, 304},
    {1613, 3140, 7, 5, 3, 5},
    {177, 2959, 3, 11, 1, 11},
    {1360, 1194, 7, 5, 6, 5},
    {534, 2719, 7, 5, 1, 5},
    {4941, 4802, 200, 200, 200, 194},
    {4883, 2769, 200, 200, 200, 113},
    {2540, 2912, 7, 5, 4, 5},
    {3939, 2587, 800, 800, 800, 525},
    {3943, 3872, 800, 800, 800, 786},
    {467, 2099, 200, 200, 44, 200},
    {2930, 3312, 200, 200, 177, 200},
    {4498, 3432, 7, 5, 7, 5},
    {3084, 4740, 200, 200, 130, 200},
    {3710, 383, 800, 800, 800, 83},
    {1610, 976, 800, 800, 800, 485},
    {3787, 2822, 7, 5, 7, 5},
    {4299, 2056, 3, 11, 3, 2},
    {886, 4832, 7, 5, 1, 5},
    {2424, 301, 3, 11, 3, 1},
    {747, 1708, 7, 5, 2, 5},
    {4202, 2971, 800, 800, 800, 566},
    {2785, 2259, 200, 200, 200, 162},
    {2560, 2596, 7, 5, 5, 5},
    {1454, 641, 800, 800, 800, 353},
};

static void sizes_are_those_of_pillow(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pillow / sizeof pillow[0]; i++) {
        const int *row = pillow[i];
        struct profile_variant variant = {.width_px = row[2], .height_px = row[3]};
        struct fit_size size = fit_inside((struct fit_size){row[0], row[1]}, &variant);
        if (size.width_px != row[4] || size.height_px != row[5]) {
            fail_msg("%d x %d in %d x %d gives %d x %d, not %d x %d", row[0], row[1], row[2], row[3],
                     size.width_px, size.height_px, row[4], row[5]);
        }
    }
}

static void a_side_of_zero_does_not_bound(void **state)
{
    (void)state;
    struct profile_variant variant = {.width_px = 0, .height_px = 0};
    struct fit_size size = fit_inside((struct fit_size){5000, 1}, &variant);
    assert_true(size.width_px == 5000 && size.height_px == 1);
    variant.width_px = 100;
    size = fit_inside((struct fit_size){1000, 5000}, &variant);
    assert_true(size.width_px == 100 && size.height_px == 500);
    variant = (struct profile_variant){.height_px = 100};
    size = fit_inside((struct fit_size){1000, 5000}, &variant);
    assert_true(size.width_px == 20 && size.height_px == 100);
}

static void cover_fills_the_box_and_never_enlarges(void **state)
{
    (void)state;
    for (int width = 1; width < 900; width += 13) {
        for (int height = 1; height < 900; height += 17) {
            struct profile_variant variant = {.fit = PROFILE_COVER, .width_px = 320, .height_px = 180};
            struct fit_size crop;
            struct fit_size scaled = fit_cover((struct fit_size){width, height}, &variant, &crop);
            assert_int_equal(crop.width_px, width < 320 ? width : 320);
            assert_int_equal(crop.height_px, height < 180 ? height : 180);
            assert_true(scaled.width_px >= crop.width_px && scaled.width_px <= width);
            assert_true(scaled.height_px >= crop.height_px && scaled.height_px <= height);
            assert_true(scaled.width_px == crop.width_px || scaled.height_px == crop.height_px);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_those_of_pillow),
        cmocka_unit_test(a_side_of_zero_does_not_bound),
        cmocka_unit_test(cover_fills_the_box_and_never_enlarges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
