// SPDX-License-Identifier: Apache-2.0
#include "api/route/problem.h"

#include "api/http/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_a_problem_is_made_of_its_code_alone(void **state)
{
    (void)state;
    json_t *body = problem_json(ERR_TOO_SMALL, NULL);
    char *text = json_dumps(body, JSON_COMPACT);
    assert_string_equal(text,
                        "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                        "\"detail\":\"The image is smaller than the least side.\",\"code\":\"too_small\"}");
    free(text);
    json_decref(body);
}

static void test_every_code_of_an_answer_has_a_title(void **state)
{
    (void)state;
    for (int code = ERR_NONE + 1; code < ERR_CODE_COUNT; code++) {
        int status = err_http_status((enum err_code)code);
        if (status != 499) { /* nobody is there to read it */
            assert_string_not_equal(response_reason(status), "");
        }
    }
    assert_string_equal(response_reason(299), "");
}

static void test_texts_gather_by_field(void **state)
{
    (void)state;
    json_t *errors = NULL;
    problem_add(&errors, "name", "one");
    problem_add(&errors, "price", "two");
    problem_add(&errors, "name", "three");
    json_t *body = problem_json(ERR_INVALID, errors);
    char *text = json_dumps(json_object_get(body, "errors"), JSON_COMPACT);
    assert_string_equal(text, "{\"name\":[\"one\",\"three\"],\"price\":[\"two\"]}");
    free(text);
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_problem_is_made_of_its_code_alone),
        cmocka_unit_test(test_every_code_of_an_answer_has_a_title),
        cmocka_unit_test(test_texts_gather_by_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
