// SPDX-License-Identifier: Apache-2.0
#include "api/route/problem.h"

#include "api/http/request.h"
#include "api/http/response.h"
#include "api/route/answer.h"
#include "common/base/arena.h"

#include <stddef.h>

void problem_add(json_t **errors, const char *field, const char *text)
{
    if (*errors == NULL) {
        *errors = json_object();
    }
    json_t *list = json_object_get(*errors, field);
    if (list == NULL) {
        list = json_array();
        json_object_set_new(*errors, field, list);
    }
    json_array_append_new(list, json_string(text));
}

json_t *problem_json(enum err_code code, json_t *errors)
{
    int status = err_http_status(code);
    json_t *body = json_object();
    json_object_set_new(body, "type", json_string("about:blank"));
    json_object_set_new(body, "title", json_string(response_reason(status)));
    json_object_set_new(body, "status", json_integer(status));
    json_object_set_new(body, "detail", json_string(err_text(code)));
    json_object_set_new(body, "code", json_string(err_word(code)));
    if (errors != NULL) {
        json_object_set_new(body, "errors", errors);
    }
    return body;
}

/* RFC 9110 11.6.1 and RFC 6750 3: what a 401 must say; the error word only where a key was sent. */
static void add_challenge(struct request *request)
{
    bool was_sent = request_header(request, "Authorization") != NULL;
    response_header(request, "WWW-Authenticate", was_sent ? "Bearer error=\"invalid_token\"" : "Bearer");
}

static void answer_problem(struct request *request, const struct err *err, json_t *errors)
{
    answer_note(request, err);
    answer_json_as(request, err_http_status(err->code), "application/problem+json",
                   problem_json(err->code, errors));
}

void problem_answer_fields(struct request *request, const struct err *err, json_t *errors)
{
    int status = err_http_status(err->code);
    if (status == 401) {
        add_challenge(request);
    } else if (status == 503 || status == 429) {
        /* A full house has room again soon; a database that is down takes longer. */
        bool is_short = status == 429 || err->code == ERR_OVERLOADED;
        response_header(request, "Retry-After", is_short ? "1" : "5");
    }
    answer_problem(request, err, errors);
}

void problem_answer_retry(struct request *request, const struct err *err, int retry_s)
{
    response_header(request, "Retry-After", arena_format(request_arena(request), "%d", retry_s));
    answer_problem(request, err, NULL);
}

void problem_answer(struct request *request, const struct err *err)
{
    problem_answer_fields(request, err, NULL);
}

void problem_answer_code(struct request *request, enum err_code code)
{
    struct err err = {.code = code};
    problem_answer_fields(request, &err, NULL);
}
