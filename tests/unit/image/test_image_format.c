// SPDX-License-Identifier: Apache-2.0
#include "common/image/image_format.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void words_and_formats_go_both_ways(void **state)
{
    (void)state;
    for (unsigned i = IMAGE_UNKNOWN; i < IMAGE_FORMAT_COUNT; i++) {
        enum image_format format = (enum image_format)i;
        assert_int_equal(image_format_of_word(image_format_word(format)), format);
    }
    assert_int_equal(image_format_of_word("gif"), IMAGE_UNKNOWN);
    assert_int_equal(image_format_of_word("JPEG"), IMAGE_UNKNOWN);
    assert_string_equal(image_format_word(IMAGE_WEBP), "webp");
    assert_string_equal(image_format_word(IMAGE_FORMAT_COUNT), "unknown");
}

static void extensions_and_types(void **state)
{
    (void)state;
    assert_string_equal(image_format_extension(IMAGE_JPEG), "jpg");
    assert_string_equal(image_format_extension(IMAGE_UNKNOWN), "bin");
    assert_string_equal(image_format_content_type(IMAGE_JPEG), "image/jpeg");
    assert_string_equal(image_format_content_type(IMAGE_PNG), "image/png");
    assert_string_equal(image_format_content_type(IMAGE_WEBP), "image/webp");
    assert_string_equal(image_format_content_type(IMAGE_UNKNOWN), "application/octet-stream");
}

static void names_are_judged_by_their_last_extension(void **state)
{
    (void)state;
    assert_true(image_format_accepts_name("a.jpg"));
    assert_true(image_format_accepts_name("A.B.JpEg"));
    assert_true(image_format_accepts_name(".png"));
    assert_true(image_format_accepts_name("x.WEBP"));
    assert_false(image_format_accepts_name("a.jpg.exe"));
    assert_false(image_format_accepts_name("jpg"));
    assert_false(image_format_accepts_name("a.jp"));
    assert_false(image_format_accepts_name("a.gif"));
    assert_false(image_format_accepts_name("a."));
    assert_false(image_format_accepts_name(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_formats_go_both_ways),
        cmocka_unit_test(extensions_and_types),
        cmocka_unit_test(names_are_judged_by_their_last_extension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
