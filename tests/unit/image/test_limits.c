// SPDX-License-Identifier: Apache-2.0
#include "common/image/limits.h"
#include "common/image/profile.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct image_limits limits = {.min_side_px = 200, .max_side_px = 5000, .max_pixels = 20000000};

static enum err_code check(int64_t width_px, int64_t height_px)
{
    struct err err = {.code = ERR_NONE};
    int rc = image_limits_check(&limits, width_px, height_px, &err);
    assert_int_equal(rc, err.code == ERR_NONE ? 0 : -1);
    return err.code;
}

static void the_bounds_themselves_are_taken(void **state)
{
    (void)state;
    assert_int_equal(check(200, 200), ERR_NONE);
    assert_int_equal(check(200, 5000), ERR_NONE);
    assert_int_equal(check(5000, 4000), ERR_NONE);
    assert_int_equal(check(199, 5000), ERR_TOO_SMALL);
    assert_int_equal(check(5000, 199), ERR_TOO_SMALL);
    assert_int_equal(check(5001, 200), ERR_TOO_LARGE);
    assert_int_equal(check(200, 5001), ERR_TOO_LARGE);
    assert_int_equal(check(5000, 4001), ERR_TOO_LARGE);
}

static void no_size_overflows(void **state)
{
    (void)state;
    struct image_limits wide = {.min_side_px = 0, .max_side_px = INT64_MAX, .max_pixels = INT64_MAX};
    struct err err;
    assert_int_equal(image_limits_check(&wide, INT64_MAX, 1, &err), 0);
    assert_int_equal(image_limits_check(&wide, INT64_MAX, 2, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_int_equal(image_limits_check(&wide, 0, INT64_MAX, &err), 0);
}

static void the_built_in_profile_is_the_contracts_table(void **state)
{
    (void)state;
    const struct profile *profile = profile_default();
    assert_string_equal(profile->name, "default-1");
    assert_int_equal(profile->count, 3);
    static const struct {
        const char *name;
        int side_px;
        enum image_format format;
        int quality;
    } table[] = {
        {"thumbnail", 200, IMAGE_JPEG, 85}, {"medium", 800, IMAGE_JPEG, 90}, {"webp", 0, IMAGE_WEBP, 85}};
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_variant *variant = &profile->variants[i];
        assert_string_equal(variant->name, table[i].name);
        assert_int_equal(variant->width_px, table[i].side_px);
        assert_int_equal(variant->height_px, table[i].side_px);
        assert_int_equal(variant->format, table[i].format);
        assert_int_equal(variant->quality, table[i].quality);
        assert_int_equal(variant->fit, PROFILE_INSIDE);
        assert_false(variant->keeps_alpha);
        assert_memory_equal(variant->background, "\xff\xff\xff", 3);
    }
    assert_int_equal(profile->variants[2].effort, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bounds_themselves_are_taken),
        cmocka_unit_test(no_size_overflows),
        cmocka_unit_test(the_built_in_profile_is_the_contracts_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
