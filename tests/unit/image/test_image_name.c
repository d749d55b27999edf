// SPDX-License-Identifier: Apache-2.0
#include "common/image/image_name.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define UUID "01234567-89ab-cdef-0123-456789abcdef"

static void originals_are_dated_in_utc(void **state)
{
    (void)state;
    char name[IMAGE_NAME_BYTES];
    /* 2026-01-31T23:59:59.999999Z and a microsecond later */
    image_name_original(name, 1769903999999999, UUID, IMAGE_JPEG);
    assert_string_equal(name, "products/2026/01/31/" UUID ".jpg");
    image_name_original(name, 1769904000000000, UUID, IMAGE_WEBP);
    assert_string_equal(name, "products/2026/02/01/" UUID ".webp");
    image_name_original(name, -1, UUID, IMAGE_UNKNOWN);
    assert_string_equal(name, "products/1969/12/31/" UUID ".bin");
    assert_true(image_name_is_safe(name));
}

static void variants_keep_date_and_uuid(void **state)
{
    (void)state;
    char name[IMAGE_NAME_BYTES];
    struct err err;
    assert_int_equal(
        image_name_variant(name, "products/2026/01/31/" UUID ".png", "thumbnails", 12, IMAGE_JPEG, &err), 0);
    assert_string_equal(name, "products/thumbnails/2026/01/31/" UUID "-g12.jpg");
    assert_true(image_name_is_safe(name));
}

static void each_pass_has_a_name(void **state)
{
    (void)state;
    static const char *const wanted[] = {[IMAGE_NAME_PLAIN] = "-g1.webp",
                                         [IMAGE_NAME_HURRIED] = "-g1-b.webp",
                                         [IMAGE_NAME_REFINED] = "-g1-r.webp"};
    for (unsigned pass = IMAGE_NAME_PLAIN; pass <= IMAGE_NAME_REFINED; pass++) {
        char name[IMAGE_NAME_BYTES];
        struct err err;
        assert_int_equal(
            image_name_variant(name, "products/2026/01/31/" UUID ".png", "webp", 1, IMAGE_WEBP, &err), 0);
        image_name_set_pass(name, (enum image_name_pass)pass);
        assert_string_equal(strstr(name, "-g1"), wanted[pass]);
        assert_true(image_name_is_safe(name));
    }
}

static void only_originals_have_variants(void **state)
{
    (void)state;
    static const char *const strangers[] = {
        "",
        "products/",
        "products/2026/01/31/" UUID,
        "products/2026/01/31/" UUID ".exe",
        "products/2026/01/31/" UUID ".jpg/../x",
        "products/2026/1/31/" UUID ".jpg",
        "products/../../31/" UUID ".jpg",
        "products/2026/01/31/01234567-89ab-cdef-0123-456789abcdeg.jpg",
        "products/thumbnails/2026/01/31/" UUID "-g1.jpg",
        "/products/2026/01/31/" UUID ".jpg",
    };
    char name[IMAGE_NAME_BYTES] = "untouched";
    struct err err;
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        assert_int_equal(image_name_variant(name, strangers[i], "medium", 1, IMAGE_JPEG, &err), -1);
        assert_int_equal(err.code, ERR_INTERNAL);
    }
    static const char *const folders[] = {"", "..", "a/b", "A", "a b"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        assert_int_equal(
            image_name_variant(name, "products/2026/01/31/" UUID ".jpg", folders[i], 1, IMAGE_JPEG, &err),
            -1);
    }
    assert_int_equal(
        image_name_variant(name, "products/2026/01/31/" UUID ".jpg", "medium", -1, IMAGE_JPEG, &err), -1);
    assert_string_equal(name, "untouched");
}

static void names_that_leave_their_root_are_not_safe(void **state)
{
    (void)state;
    static const char *const unsafe[] = {"",      "/",      "/a",  "a/",       "a//b", ".",
                                         "..",    "a/../b", "./a", "a/..",     "a\\b", "a b",
                                         "a%2fb", "a\nb",   "a/.", "\xc3\xa4", "a?b",  "~/a/:"};
    static const char original[] = "products/2026/01/31/" UUID ".jpg";
    static const char *const safe[] = {"a", "a/b", "...", "..a", "a..", ".a/b-c_d.E9", original};
    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++) {
        assert_false(image_name_is_safe(unsafe[i]));
    }
    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++) {
        assert_true(image_name_is_safe(safe[i]));
    }
    char long_name[IMAGE_NAME_BYTES + 1];
    memset(long_name, 'a', sizeof long_name);
    long_name[IMAGE_NAME_BYTES] = '\0';
    assert_false(image_name_is_safe(long_name));
    long_name[IMAGE_NAME_BYTES - 1] = '\0';
    assert_true(image_name_is_safe(long_name));
}

static void test_knows_its_own_names(void **state)
{
    (void)state;
    static const char *const ours[] = {
        "products/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f.jpg",
        "products/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f.webp",
        "products/webp/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f-g1.webp",
        "products/a_b-1/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f-g123.png",
        "products/webp/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f-g2-b.webp",
        "products/webp/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f-g2-r.webp",
    };
    static const char *const others[] = {
        "",
        "products/",
        "products/2026/01/31/photo.jpg",
        "products/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f",
        "products/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f.txt",
        "products/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f-g1.jpg",
        "originals/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f.jpg",
        "products/webp/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f.webp",
        "products/webp/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f-g.webp",
        "products/webp/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f-1.webp",
        "products/webp/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f-g1-x.webp",
        "products/webp/x/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f-g1.webp",
        "products/webp/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f-g1.webp.tmp",
        "products/webp/2026/01/31/../9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f-g1.webp",
        "products/webp",
    };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        assert_true(image_name_is_ours(ours[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(image_name_is_ours(others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_knows_its_own_names),
        cmocka_unit_test(originals_are_dated_in_utc),
        cmocka_unit_test(variants_keep_date_and_uuid),
        cmocka_unit_test(each_pass_has_a_name),
        cmocka_unit_test(only_originals_have_variants),
        cmocka_unit_test(names_that_leave_their_root_are_not_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
