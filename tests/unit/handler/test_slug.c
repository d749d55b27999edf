// SPDX-License-Identifier: Apache-2.0
#include "api/handler/slug.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void test_names_become_slugs(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *slug;
    } rows[] = {
        {"Blue Mug", "blue-mug"},
        {"  Blue -- Mug  ", "blue-mug"},
        {"Don't panic!", "dont-panic"},
        {"Caf\xc3\xa9 \xc3\x9c"
         "ber \xc5\x81\xc3\xb3"
         "d\xc5\xba",
         "cafe-uber-lodz"},
        {"Stra\xc3\x9f"
         "e \xc3\x86ther \xc5\x92uvre",
         "strasse-aether-oeuvre"},
        {"100 % cotton_shirt", "100-cotton_shirt"},
        {"a\xe2\x80\x93"
         "b",
         "a-b"},
        {"\xe6\x97\xa5\xe6\x9c\xac", "product"},
        {"\xf0\x9f\x98\x80 mug", "mug"},
        {"-_-", "product"},
        {"", "product"},
        {"3 \xc3\x97 4", "3-4"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char slug[SLUG_BYTES];
        slug_of_name(rows[i].name, slug);
        assert_string_equal(slug, rows[i].slug);
        assert_true(slug_is_valid(slug));
    }
}

static void test_a_slug_and_its_number_fit(void **state)
{
    (void)state;
    char name[1001];
    char slug[SLUG_BYTES];
    char numbered[SLUG_BYTES];
    memset(name, 'x', 1000);
    name[1000] = '\0';
    slug_of_name(name, slug);
    assert_int_equal(strlen(slug), SLUG_MAX);
    slug_numbered(slug, 12, numbered);
    assert_int_equal(strlen(numbered), SLUG_MAX);
    assert_string_equal(numbered + SLUG_MAX - 4, "x-12");
    slug_numbered("mug", 2, numbered);
    assert_string_equal(numbered, "mug-2");
}

static void test_what_may_be_given(void **state)
{
    (void)state;
    assert_true(slug_is_valid("Blue_Mug-2"));
    assert_false(slug_is_valid(""));
    assert_false(slug_is_valid("blue mug"));
    assert_false(slug_is_valid("a/b"));
    assert_false(slug_is_valid(".."));
    assert_false(slug_is_valid("m\xc3\xbcg"));
    char text[SLUG_MAX + 2];
    memset(text, 'x', sizeof(text));
    text[SLUG_MAX + 1] = '\0';
    assert_false(slug_is_valid(text));
    text[SLUG_MAX] = '\0';
    assert_true(slug_is_valid(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_become_slugs),
        cmocka_unit_test(test_a_slug_and_its_number_fit),
        cmocka_unit_test(test_what_may_be_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
