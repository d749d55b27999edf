// SPDX-License-Identifier: Apache-2.0
#include "api/handler/settle.h"

#include "api/handler/service.h"
#include "api/http/response.h"
#include "api/route/params.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/db/db_image.h"
#include "common/net/loop.h"

#include <string.h>

enum { SETTLE_MAX_SECONDS = 30, SETTLE_POLL_MS = 100 };

/* One wait; in the request's arena. */
struct settle {
    struct call *call;
    struct db_image *image; /* the caller's */
    struct db_image read;
    uint64_t until_us;
    done_fn done;
    void *owner;
    struct deadline poll;
};

int settle_seconds(const struct request *request)
{
    int seconds = params_wait_of_prefer(request_header(request, "Prefer"), SETTLE_MAX_SECONDS);
    return seconds > 0 ? seconds : 0;
}

bool settle_is_settled(const struct db_image *image)
{
    return strcmp(image->status, "ready") == 0 || strcmp(image->status, "failed") == 0;
}

static void on_poll(void *owner);

static void step(struct settle *settle)
{
    bool is_over = settle_is_settled(settle->image) || clock_monotonic_us() >= settle->until_us;
    if (is_over || settle->call->service->is_stopping) {
        settle->done(settle->owner, NULL);
    } else {
        deadline_arm(&settle->poll, settle->call->service->loop, SETTLE_POLL_MS, on_poll, settle);
    }
}

/* What can't be read now may be read by the next poll: a wait is no promise. */
static void on_read(void *owner, const struct err *err)
{
    struct settle *settle = owner;
    if (err != NULL && err->code == ERR_NOT_FOUND) {
        settle->done(settle->owner, err);
        return;
    }
    if (err == NULL) {
        *settle->image = settle->read;
    }
    step(settle);
}

static void on_poll(void *owner)
{
    struct settle *settle = owner;
    db_image_get(settle->call->service->db, settle->call->arena, settle->image->id,
                 settle->image->product_slug, &settle->read, on_read, settle);
}

void settle_wait(struct call *call, struct db_image *image, int seconds, done_fn done, void *owner)
{
    struct settle *settle = arena_alloc(call->arena, sizeof(*settle));
    settle->call = call;
    settle->image = image;
    settle->until_us = clock_monotonic_us() + (uint64_t)seconds * 1000000;
    settle->done = done;
    settle->owner = owner;
    response_header(call->request, "Preference-Applied", arena_format(call->arena, "wait=%d", seconds));
    deadline_arm(&settle->poll, call->service->loop, 1, on_poll, settle);
}
