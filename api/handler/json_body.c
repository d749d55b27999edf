// SPDX-License-Identifier: Apache-2.0
#include "api/handler/json_body.h"

#include "api/handler/service.h"
#include "api/http/request.h"
#include "api/route/call.h"
#include "common/base/arena.h"
#include "common/net/loop.h"

#include <string.h>
#include <strings.h>

/* One body that is read; in the request's arena. */
struct reading {
    const char *text;
    size_t bytes;
    json_t **body; /* the caller's */
    done_fn done;
    void *owner;
    struct loop_later later;
};

bool json_body_is_told(const struct request *request)
{
    static const char json[] = "application/json";
    const char *type = request_header(request, "Content-Type");
    size_t bytes = type ? strcspn(type, "; \t") : 0;
    return bytes == sizeof(json) - 1 && strncasecmp(type, json, bytes) == 0;
}

static void on_read(void *owner, const struct err *err)
{
    struct reading *reading = owner;
    struct err fault;
    json_error_t where;
    if (err != NULL) {
        reading->done(reading->owner, err);
        return;
    }
    json_t *read = reading->bytes > 0
                       ? json_loadb(reading->text, reading->bytes, JSON_REJECT_DUPLICATES, &where)
                       : json_object();
    if (!json_is_object(read)) {
        json_decref(read);
        (void)err_set(&fault, ERR_BAD_REQUEST, "the body is no JSON object");
        reading->done(reading->owner, &fault);
        return;
    }
    *reading->body = read;
    reading->done(reading->owner, NULL);
}

static void on_refused(void *owner)
{
    struct reading *reading = owner;
    struct err fault;
    (void)err_set(&fault, ERR_UNSUPPORTED_MEDIA_TYPE, "the body is not told to be JSON");
    reading->done(reading->owner, &fault);
}

void json_body_read(struct call *call, json_t **body, done_fn done, void *owner)
{
    struct reading *reading = arena_alloc(call->arena, sizeof *reading);
    *reading = (struct reading){.body = body, .done = done, .owner = owner};
    if (request_has_body(call->request) && !json_body_is_told(call->request)) {
        loop_call_later(call->service->loop, &reading->later, on_refused, reading);
        return;
    }
    request_read_whole(call->request, JSON_BODY_MOST_BYTES, &reading->text, &reading->bytes, on_read,
                       reading);
}
