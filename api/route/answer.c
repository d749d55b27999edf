// SPDX-License-Identifier: Apache-2.0
#include "api/route/answer.h"

#include "api/http/request.h"
#include "api/http/response.h"
#include "api/route/call.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/log.h"

#include <stdlib.h>
#include <string.h>

void answer_note(struct request *request, const struct err *err)
{
    struct call *call = request_context(request);
    if (call != NULL) {
        struct err *kept = arena_alloc(call->arena, sizeof(*kept));
        *kept = *err;
        call->fault = kept;
    }
}

/* One line a request, and its counting. Faults of ours are warnings, and say more than the client is told. */
static void log_request(struct request *request, int status, int64_t bytes)
{
    struct call *call = request_context(request);
    uint64_t us = call ? clock_monotonic_us() - call->started_us : 0;
    struct log_field method = log_text("method", http_method_word(request_method(request)));
    struct log_field path = log_text("path", request_path(request));
    struct log_field code = log_int("status", status);
    struct log_field ms = log_int("ms", (int64_t)(us / 1000));
    struct log_field size = log_int("bytes", bytes);
    struct log_field id = log_text("request", request_id(request));
    struct log_field trace = log_known("trace", call ? call->trace.id : NULL);
    if (call == NULL || call->fault == NULL) {
        log_info("request", method, path, code, ms, size, id, trace);
    } else if (status < 500) {
        log_info("request", method, path, code, ms, size, id, trace, log_err(call->fault));
    } else {
        log_warn("request", method, path, code, ms, size, id, trace, log_err(call->fault));
    }
    if (call != NULL && call->answered != NULL) {
        call->answered(call, status, bytes);
    }
}

void answer(struct request *request, int status, const char *content_type, const void *body, size_t bytes)
{
    log_request(request, status, (int64_t)bytes);
    respond(request, status, content_type, body, bytes);
}

void answer_json(struct request *request, int status, json_t *json)
{
    answer_json_as(request, status, "application/json", json);
}

void answer_json_as(struct request *request, int status, const char *content_type, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL) {
        abort(); /* out of memory: every string in our JSON is UTF-8 */
    }
    answer(request, status, content_type, text, strlen(text));
    free(text);
}

void answer_file(struct request *request, int status, const char *content_type, int fd, int64_t offset,
                 int64_t bytes)
{
    log_request(request, status, bytes);
    respond_file(request, status, content_type, fd, offset, bytes);
}
