// SPDX-License-Identifier: Apache-2.0
#include "api/http/cors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct cors_answer ask(const char *origins, const char *origin)
{
    struct cors_question question = {.origins = origins, .origin = origin};
    return cors_decide(&question);
}

static void test_nothing_is_allowed_by_default(void **state)
{
    struct cors_answer answer = ask("", "https://shop.example");
    (void)state;
    assert_null(answer.allow_origin);
    assert_null(answer.vary);
}

static void test_listed_origin(void **state)
{
    const char *origins = "https://a.example, https://shop.example";
    struct cors_answer answer = ask(origins, "https://shop.example");
    (void)state;
    assert_string_equal(answer.allow_origin, "https://shop.example");
    assert_string_equal(answer.vary, "Origin");
    assert_non_null(strstr(answer.expose_headers, "X-Request-Id"));
    assert_false(answer.is_preflight);
    assert_null(answer.allow_methods);
}

static void test_other_origins_are_not_allowed(void **state)
{
    static const char *const others[] = {"https://shop.example.evil", "https://shop.exampl",
                                         "http://shop.example", "null", ""};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct cors_answer answer = ask("https://a.example,https://shop.example", others[i]);
        assert_null(answer.allow_origin);
        assert_string_equal(answer.vary, "Origin");
    }
    assert_null(ask("https://shop.example", NULL).allow_origin);
    assert_string_equal(ask("https://shop.example", NULL).vary, "Origin");
}

static void test_all_origins(void **state)
{
    struct cors_answer answer = ask("*", "https://any.example");
    (void)state;
    assert_string_equal(answer.allow_origin, "*");
    assert_null(answer.vary);
    assert_null(ask("*", NULL).allow_origin);
}

static void test_preflight(void **state)
{
    struct cors_question question = {
        .origins = "*", .origin = "https://shop.example", .request_method = "PUT", .is_options = true};
    struct cors_answer answer = cors_decide(&question);
    (void)state;
    assert_true(answer.is_preflight);
    assert_non_null(strstr(answer.allow_methods, "PUT"));
    assert_non_null(strstr(answer.allow_headers, "Authorization"));
    assert_non_null(answer.max_age);
    question.is_options = false;
    assert_false(cors_decide(&question).is_preflight);
    question.is_options = true;
    question.request_method = NULL;
    assert_false(cors_decide(&question).is_preflight);
    question.request_method = "PUT";
    question.origins = "https://other.example";
    assert_false(cors_decide(&question).is_preflight);
    assert_null(cors_decide(&question).allow_methods);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_allowed_by_default),
        cmocka_unit_test(test_listed_origin),
        cmocka_unit_test(test_other_origins_are_not_allowed),
        cmocka_unit_test(test_all_origins),
        cmocka_unit_test(test_preflight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
