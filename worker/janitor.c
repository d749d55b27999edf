// SPDX-License-Identifier: Apache-2.0
#include "worker/janitor.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/db/db_tombstone.h"
#include "common/storage/storage.h"
#include "worker/breaker.h"
#include "worker/metrics.h"
#include "worker/rounds.h"

enum { SWEEP_MS = 5000, GRACE_MS = 10000, PAGE_FILES = 100, PAGE_PAUSE_MS = 50 };

struct removal {
    struct janitor *janitor;
    int64_t id;
};

struct janitor {
    const struct parts *parts; /* borrowed */
    struct rounds rounds;
    struct arena *arena; /* owned; of the present page */
    struct db_tombstone *tombstones;
    size_t count;
    size_t pending; /* removals */
    struct removal removals[PAGE_FILES];
    int64_t gone[PAGE_FILES]; /* ids whose files are removed */
    size_t gone_count;
};

static void rest(struct janitor *j, uint64_t rest_ms)
{
    arena_free(j->arena);
    j->arena = NULL;
    rounds_rest(&j->rounds, rest_ms);
}

static void on_dropped(void *owner, const struct err *err)
{
    failpoint("janitor.dropped");
    struct janitor *j = owner;
    if (err != NULL) {
        log_debug("tombstones could not be dropped", log_err(err));
    }
    /* where nothing could be removed, the same page would come again at once */
    bool has_more = err == NULL && j->count == PAGE_FILES && j->gone_count > 0;
    rest(j, has_more ? PAGE_PAUSE_MS : SWEEP_MS);
}

static void do_drop(struct janitor *j)
{
    failpoint("janitor.dropping");
    if (j->gone_count == 0) {
        rest(j, SWEEP_MS);
        return;
    }
    db_tombstone_drop(j->parts->db, j->gone, j->gone_count, on_dropped, j);
}

static void on_removed(void *owner, const struct err *err)
{
    struct removal *removal = owner;
    struct janitor *j = removal->janitor;
    if (err == NULL) {
        j->gone[j->gone_count++] = removal->id;
        metric_add(j->parts->metrics->swept, 1);
    } else {
        log_debug("a file could not be removed", log_err(err));
    }
    if (--j->pending == 0) {
        do_drop(j);
    }
}

static void on_listed(void *owner, const struct err *err)
{
    struct janitor *j = owner;
    if (err != NULL || j->count == 0 || rounds_are_closing(&j->rounds)) {
        rest(j, SWEEP_MS);
        return;
    }
    failpoint("janitor.removing");
    j->gone_count = 0;
    j->pending = j->count;
    for (size_t i = 0; i < j->count; i++) {
        j->removals[i] = (struct removal){.janitor = j, .id = j->tombstones[i].id};
        storage_remove(j->parts->storage, j->tombstones[i].stored_name, on_removed, &j->removals[i]);
    }
}

static void do_list(void *owner)
{
    struct janitor *j = owner;
    if (breaker_is_open(j->parts->database_breaker) || breaker_is_open(j->parts->storage_breaker)) {
        rest(j, SWEEP_MS);
        return;
    }
    j->arena = arena_new();
    j->count = 0;
    db_tombstone_list(j->parts->db, j->arena, GRACE_MS, PAGE_FILES, &j->tombstones, &j->count, on_listed, j);
}

struct janitor *janitor_open(const struct parts *parts)
{
    struct janitor *j = alloc_zeroed(1, sizeof *j);
    j->parts = parts;
    rounds_start(&j->rounds, parts->loop, 1, do_list, free, j);
    return j;
}

void janitor_close(struct janitor *j, void (*closed)(void *owner), void *owner)
{
    rounds_close(&j->rounds, closed, owner);
}
