// SPDX-License-Identifier: Apache-2.0
#include "api/handler/job_push.h"

#include "api/handler/service.h"
#include "api/http/request.h"
#include "api/route/call.h"
#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/config/config.h"
#include "common/net/loop.h"
#include "common/net/redis.h"
#include "common/queue/queue.h"

#include <stdlib.h>
#include <string.h>

/* One push; its own owner, since it may outlive the request that it is for. */
struct push {
    int64_t image;
    char *request; /* owned; its id */
    char trace[TRACE_ID_BYTES];
    struct deadline patience; /* of the caller; armed while nobody was told */
    void (*done)(void *owner);
    void *owner;
};

static void on_patience_over(void *owner)
{
    struct push *push = owner;
    push->done(push->owner);
}

static void on_pushed(void *owner, const struct err *err)
{
    struct push *push = owner;
    if (err != NULL) {
        log_warn("a job could not be pushed and waits for the reconciler", log_int("image", push->image),
                 log_text("request", push->request), log_text("trace", push->trace), log_err(err));
    }
    if (deadline_is_armed(&push->patience)) {
        deadline_disarm(&push->patience);
        push->done(push->owner);
    }
    free(push->request);
    free(push);
}

void job_push(struct call *call, const struct job *job, void (*done)(void *owner), void *owner)
{
    struct service *service = call->service;
    struct push *push = alloc_zeroed(1, sizeof *push);
    *push = (struct push){.image = job->image,
                          .request = alloc_string(request_id(call->request)),
                          .done = done,
                          .owner = owner};
    memcpy(push->trace, call->trace.id, sizeof push->trace);
    uint64_t patience_ms =
        redis_is_away(service->redis) ? 0 : (uint64_t)service->config->redis_connect_timeout_ms;
    deadline_arm(&push->patience, service->loop, patience_ms, on_patience_over, push);
    queue_push(service->queue, job, call->grant.key, 0, on_pushed, push);
}
