// SPDX-License-Identifier: Apache-2.0
#include "common/base/err.h"
#include "common/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <unistd.h>

/* Standard error goes to a file between begin and end; end gives what was written. */
static int saved_stderr(void)
{
    int saved = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(saved >= 0 && dup2(fileno(file), STDERR_FILENO) == STDERR_FILENO);
    fclose(file);
    return saved;
}

static void take_written(int saved, char *text, size_t size)
{
    ssize_t bytes = pread(STDERR_FILENO, text, size - 1, 0);
    assert_true(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
    close(saved);
    assert_true(bytes >= 0);
    text[bytes] = '\0';
}

static void a_line_is_one_object(void **state)
{
    char text[4096];
    struct err err = {.code = ERR_STORAGE, .sentence = "no \"room\""};
    (void)state;
    log_start("pixmill-test", LOG_INFO);
    int saved = saved_stderr();
    log_warn("it was said", log_text("who", "a\tb\xc3\n"), log_int("count", -7), log_text("none", NULL),
             log_known("absent", NULL), log_known("empty", ""), log_known("trace", "4bf9"), log_err(&err));
    take_written(saved, text, sizeof text);
    assert_memory_equal(text, "{\"time\":\"", 9);
    assert_non_null(strstr(text, "\"level\":\"warn\""));
    assert_non_null(strstr(text, "\"program\":\"pixmill-test\""));
    assert_non_null(strstr(text, "\"message\":\"it was said\""));
    assert_non_null(strstr(text, "\"who\":\"a\\u0009b\\u00c3\\u000a\""));
    assert_non_null(strstr(text, "\"count\":-7,\"none\":null,\"trace\":\"4bf9\",\"error\":"));
    assert_non_null(strstr(text, "no \\\"room\\\""));
    assert_string_equal(strchr(text, '\n'), "\n");
    assert_int_equal(text[strlen(text) - 2], '}');
}

static void what_is_below_the_level_is_not_written(void **state)
{
    char text[4096];
    (void)state;
    log_start("pixmill-test", LOG_WARN);
    int saved = saved_stderr();
    log_debug("no");
    log_info("no");
    log_warn("yes");
    log_error("yes");
    take_written(saved, text, sizeof text);
    assert_null(strstr(text, "\"no\""));
    assert_non_null(strstr(text, "\"level\":\"error\""));
    assert_int_equal(strcspn(text, "\n") < strlen(text) - 1, 1);
}

static void a_long_line_is_cut_and_still_closed(void **state)
{
    char text[8192];
    char value[5000];
    (void)state;
    memset(value, '"', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    log_start("pixmill-test", LOG_INFO);
    int saved = saved_stderr();
    log_info("long", log_text("value", value), log_text("more", value), log_int("last", 1));
    take_written(saved, text, sizeof text);
    assert_true(strlen(text) < 2100);
    assert_string_equal(text + strlen(text) - 3, "\"}\n");
}

static void levels_have_words(void **state)
{
    enum log_level level = LOG_ERROR;
    (void)state;
    assert_true(log_level_of_word("debug", &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_true(log_level_of_word("error", &level));
    assert_int_equal(level, LOG_ERROR);
    assert_false(log_level_of_word("Error", &level));
    assert_false(log_level_of_word("", &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_object),
        cmocka_unit_test(what_is_below_the_level_is_not_written),
        cmocka_unit_test(a_long_line_is_cut_and_still_closed),
        cmocka_unit_test(levels_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
