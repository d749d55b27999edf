// SPDX-License-Identifier: Apache-2.0
#include "common/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void whole_numbers_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t number;
    } good[] = {{"0", 0},
                {"-12", -12},
                {"0042", 42},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {"",   "-",    "+1",  " 1",  "1 ",
                                      "1x", "0x10", "--1", "1.0", "9223372036854775808"};
    int64_t number = 77;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(text_int64(good[i].text, INT64_MIN, INT64_MAX, &number), 0);
        assert_true(number == good[i].number);
    }
    number = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(text_int64(bad[i], INT64_MIN, INT64_MAX, &number), -1);
        assert_int_equal(number, 77);
    }
    assert_int_equal(text_int64("5", 5, 9, &number), 0);
    assert_int_equal(text_int64("4", 5, 9, &number), -1);
    assert_int_equal(text_int64("10", 5, 9, &number), -1);
    assert_int_equal(number, 5);
}

static void a_copy_fits_or_is_refused(void **state)
{
    char out[4] = "old";
    (void)state;
    assert_int_equal(text_copy(out, sizeof out, "four"), -1);
    assert_string_equal(out, "old");
    assert_int_equal(text_copy(out, sizeof out, "new"), 0);
    assert_string_equal(out, "new");
    assert_int_equal(text_copy(out, 0, ""), -1);
}

static void strings_are_compared(void **state)
{
    (void)state;
    assert_true(text_starts_with("prefix", "pre"));
    assert_true(text_starts_with("x", ""));
    assert_false(text_starts_with("pr", "pre"));
    assert_true(text_equal_nocase("Content-TYPE", "content-type"));
    assert_false(text_equal_nocase("a", "ab"));
}

static void utf8_is_checked_as_rfc_3629_says(void **state)
{
    static const char *const good[] = {
        "", "ascii", "\xc3\xa4", "\xe2\x82\xac", "\xed\x9f\xbf", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80",             /* a tail alone */
        "\xc3",             /* cut */
        "\xc0\xaf",         /* longer than needed */
        "\xe0\x80\xaf",     /* the same in three */
        "\xf0\x80\x80\xaf", /* the same in four */
        "\xed\xa0\x80",     /* half of a UTF-16 pair */
        "\xf4\x90\x80\x80", /* past the last character */
        "\xf5\x80\x80\x80",
        "\xff",
        "a\xe2\x82z",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
    }
    assert_false(text_is_utf8("a\0b", 3));
    assert_int_equal(text_characters("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 4);
    assert_int_equal(text_characters(""), 0);
}

static void hexadecimal_goes_both_ways(void **state)
{
    unsigned char bytes[3] = {0x00, 0xab, 0xff};
    unsigned char back[3] = {9, 9, 9};
    char text[7];
    (void)state;
    text_hex(bytes, sizeof bytes, text);
    assert_string_equal(text, "00abff");
    assert_int_equal(text_of_hex("00ABff", back, sizeof back), 0);
    assert_memory_equal(back, bytes, sizeof bytes);
    back[0] = 9;
    assert_int_equal(text_of_hex("00abf", back, sizeof back), -1);
    assert_int_equal(text_of_hex("00abff0", back, sizeof back), -1);
    assert_int_equal(text_of_hex("00abfg", back, sizeof back), -1);
    assert_int_equal(back[0], 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_read),     cmocka_unit_test(a_copy_fits_or_is_refused),
        cmocka_unit_test(strings_are_compared),       cmocka_unit_test(utf8_is_checked_as_rfc_3629_says),
        cmocka_unit_test(hexadecimal_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
