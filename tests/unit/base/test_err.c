// SPDX-License-Identifier: Apache-2.0
#include "common/base/err.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void an_error_has_a_code_and_a_sentence(void **state)
{
    struct err err = {0};
    (void)state;
    assert_int_equal(err_set(&err, ERR_TOO_SMALL, "%d px", 3), -1);
    assert_int_equal(err.code, ERR_TOO_SMALL);
    assert_string_equal(err.sentence, "3 px");
    assert_int_equal(err_context(&err, "file %s", "a.jpg"), -1);
    assert_string_equal(err.sentence, "file a.jpg: 3 px");
    assert_int_equal(err_set_errno(&err, ERR_STORAGE, ENOENT, "open"), -1);
    assert_string_equal(err.sentence, "open: No such file or directory");
    assert_int_equal(err_set(NULL, ERR_INTERNAL, "x"), -1);
    assert_int_equal(err_set_errno(NULL, ERR_INTERNAL, EIO, "x"), -1);
    assert_int_equal(err_context(NULL, "x"), -1);
}

static void long_sentences_are_cut_and_ended(void **state)
{
    struct err err = {0};
    char text[1000];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int length = 240; length < 300; length++) {
        err_set(&err, ERR_INTERNAL, "%.*s", length, text);
        assert_int_equal(strlen(err.sentence), length < 255 ? length : 255);
        err_set_errno(&err, ERR_INTERNAL, EIO, "%.*s", length, text);
        assert_true(strlen(err.sentence) < sizeof err.sentence);
        err_set(&err, ERR_INTERNAL, "inner");
        err_context(&err, "%.*s", length, text);
        assert_true(strlen(err.sentence) < sizeof err.sentence);
        assert_int_equal(strspn(err.sentence, "x"), length < 255 ? length : 255);
    }
    err_set(&err, ERR_INTERNAL, "inner");
    for (int i = 0; i < 100; i++) {
        err_context(&err, "outer");
    }
    assert_int_equal(strlen(err.sentence), 255);
}

static void the_table_is_whole(void **state)
{
    (void)state;
    assert_string_equal(err_word(ERR_NONE), "none");
    for (unsigned i = 1; i < ERR_CODE_COUNT; i++) {
        enum err_code code = (enum err_code)i;
        const char *word = err_word(code);
        assert_true(strlen(word) > 0);
        assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(word));
        assert_true(err_http_status(code) >= 400 && err_http_status(code) < 600);
        assert_int_equal(err_text(code)[strlen(err_text(code)) - 1], '.');
        assert_string_equal(err_word(err_of_word(word)), word);
    }
    assert_int_equal(err_of_word("too_small"), ERR_TOO_SMALL);
    assert_int_equal(err_of_word("no such word"), ERR_INTERNAL);
    assert_int_equal(err_http_status(ERR_BODY_TOO_LARGE), 413);
    assert_int_equal(err_http_status(ERR_FILE_TOO_LARGE), 400);
    assert_true(err_may_pass(ERR_DATABASE));
    assert_false(err_may_pass(ERR_CORRUPT_IMAGE));
    assert_string_equal(err_word((enum err_code)9999), "internal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_a_code_and_a_sentence),
        cmocka_unit_test(long_sentences_are_cut_and_ended),
        cmocka_unit_test(the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
