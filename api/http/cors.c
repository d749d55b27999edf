// SPDX-License-Identifier: Apache-2.0
#include "api/http/cors.h"

#include <stddef.h>

static bool is_listed(const char *origins, const char *origin)
{
    size_t length = strlen(origin);
    while (*origins != '\0') {
        origins += strspn(origins, ", \t");
        size_t bytes = strcspn(origins, ", \t");
        if (bytes == length && memcmp(origins, origin, length) == 0) {
            return true;
        }
        origins += bytes;
    }
    return false;
}

struct cors_answer cors_decide(const struct cors_question *question)
{
    struct cors_answer answer = {.allow_origin = NULL};
    bool takes_all = is_listed(question->origins, "*");
    if (question->origins[0] == '\0') {
        return answer;
    }
    if (!takes_all) {
        /* a cache must not give the answer for one origin to another */
        answer.vary = "Origin";
    }
    if (question->origin == NULL || question->origin[0] == '\0') {
        return answer;
    }
    if (!takes_all && !is_listed(question->origins, question->origin)) {
        return answer;
    }
    answer.allow_origin = takes_all ? "*" : question->origin;
    if (question->is_options && question->request_method != NULL) {
        answer.is_preflight = true;
        answer.allow_methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        answer.allow_headers =
            "Authorization, Content-Type, Idempotency-Key, Prefer, X-Request-Id, Last-Event-ID";
        answer.max_age = "600";
    } else {
        answer.expose_headers = "Location, Retry-After, X-Request-Id, ETag, Content-Range";
    }
    return answer;
}
