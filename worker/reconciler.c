// SPDX-License-Identifier: Apache-2.0
#include "worker/reconciler.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/db/db_image.h"
#include "common/queue/queue.h"
#include "worker/breaker.h"
#include "worker/rounds.h"

enum {
    PAGE_IMAGES = 200,
    PAGE_PAUSE_MS = 200, /* between two pages: at most 1,000 pushes a second */
    IDLE_LEASES = 2      /* an image that was not touched for so many leases may have lost its job */
};

struct reconciler {
    const struct parts *parts; /* borrowed */
    struct rounds rounds;
    int64_t after_id;    /* where the next page starts; 0: from the first image */
    struct arena *arena; /* owned; of the present page */
    struct db_image_owed *owed;
    size_t count;
    size_t pending; /* pushes */
    struct err err; /* of a push; ERR_NONE: all well */
};

static void rest(struct reconciler *r, uint64_t rest_ms)
{
    arena_free(r->arena);
    r->arena = NULL;
    rounds_rest(&r->rounds, rest_ms);
}

static void end_page(struct reconciler *r)
{
    failpoint("reconciler.pushed");
    bool is_last = r->count < PAGE_IMAGES;
    if (r->err.code != ERR_NONE) {
        log_debug("owed images could not be compared with the queue", log_err(&r->err));
        is_last = true;
    } else if (r->count > 0) {
        log_debug("owed images were compared with the queue", log_int("images", (int64_t)r->count));
    }
    r->after_id = is_last ? 0 : r->owed[r->count - 1].id;
    rest(r, is_last ? r->parts->lease_ms : PAGE_PAUSE_MS);
}

static void on_pushed(void *owner, const struct err *err)
{
    struct reconciler *r = owner;
    if (err != NULL) {
        r->err = *err;
    }
    if (--r->pending == 0) {
        end_page(r);
    }
}

static void do_push(struct reconciler *r)
{
    failpoint("reconciler.pushing");
    r->pending = r->count;
    for (size_t i = 0; i < r->count; i++) {
        bool is_refinement = r->owed[i].is_refinement;
        struct job job = {.type = is_refinement ? JOB_REFINE : JOB_PROCESS,
                          .image = r->owed[i].id,
                          .generation = r->owed[i].generation,
                          .class = is_refinement ? JOB_LOW : JOB_NORMAL,
                          .enqueued_at_ms = clock_wall_us() / 1000 - r->owed[i].age_ms};
        queue_push(r->parts->queue, &job, r->owed[i].key, 0, on_pushed, r);
    }
}

static void on_listed(void *owner, const struct err *err)
{
    struct reconciler *r = owner;
    r->err = err != NULL ? *err : (struct err){.code = ERR_NONE};
    if (err != NULL || r->count == 0 || rounds_are_closing(&r->rounds)) {
        r->count = err != NULL ? 0 : r->count;
        end_page(r);
    } else {
        do_push(r);
    }
}

static void do_list(void *owner)
{
    struct reconciler *r = owner;
    if (breaker_is_open(r->parts->database_breaker)) {
        rest(r, r->parts->lease_ms);
        return;
    }
    r->arena = arena_new();
    r->count = 0;
    db_image_list_owed(r->parts->db, r->arena, r->after_id, (int64_t)r->parts->lease_ms * IDLE_LEASES,
                       PAGE_IMAGES, &r->owed, &r->count, on_listed, r);
}

struct reconciler *reconciler_open(const struct parts *parts)
{
    struct reconciler *r = alloc_zeroed(1, sizeof *r);
    r->parts = parts;
    rounds_start(&r->rounds, parts->loop, parts->lease_ms, do_list, free, r);
    return r;
}

void reconciler_close(struct reconciler *r, void (*closed)(void *owner), void *owner)
{
    rounds_close(&r->rounds, closed, owner);
}
