// SPDX-License-Identifier: Apache-2.0
/* Each state is a pair: do_<state> begins calls, and after_<state>, when all have answered, gives the next state. */
#include "worker/orphans.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/db/db_image.h"
#include "common/image/image_name.h"
#include "common/storage/storage.h"
#include "worker/breaker.h"
#include "worker/metrics.h"
#include "worker/rounds.h"

enum {
    PAGE_FILES = 500,
    DOUBT_FILES = 100, /* so many in a row, by name and so by day, that nobody knows of are no accident */
    PAGE_PAUSE_MS = 100,
    CONFIRM_MS =
        500, /* between two looks at a name: what was being switched at the first is settled at the second */
    AGAIN_MS = 5000 /* after a failure, and while a dependency is away */
};

enum orphans_state {
    ORPHANS_CLEAN,
    ORPHANS_LIST,
    ORPHANS_CHECK,
    ORPHANS_CONFIRM,
    ORPHANS_REMOVE,
    ORPHANS_REST
};

struct orphans {
    const struct parts *parts; /* borrowed */
    struct orphans_options options;
    struct rounds rounds;
    enum orphans_state state; /* of REST: what comes after it */
    uint64_t rest_ms;
    size_t pending;    /* calls */
    struct err answer; /* the last failure of them; ERR_NONE: all well */
    char after[IMAGE_NAME_BYTES];
    bool is_last;
    struct arena *arena; /* owned; of the present page; NULL: none */
    struct storage_entry *entries;
    size_t entry_count;
    const char *names[PAGE_FILES]; /* of the page, those that may be orphans yet */
    size_t count;
    bool is_named[PAGE_FILES];
    size_t unknown;   /* files in a row that nobody knows of, up to the last that was asked for */
    int64_t removed;  /* in this round */
    bool has_doubted; /* in this round */
};

static void step(struct orphans *o);

static void on_answer(void *owner, const struct err *err)
{
    struct orphans *o = owner;
    if (err != NULL) {
        o->answer = *err;
    }
    if (--o->pending == 0) {
        step(o);
    }
}

static enum orphans_state rest(struct orphans *o, uint64_t rest_ms, enum orphans_state next)
{
    o->rest_ms = rest_ms;
    o->state = next;
    return ORPHANS_REST;
}

/* The page begins anew. */
static enum orphans_state try_again(struct orphans *o)
{
    log_debug("files without a row could not be looked for", log_err(&o->answer));
    return rest(o, AGAIN_MS, ORPHANS_LIST);
}

static void do_clean(struct orphans *o)
{
    o->pending = 1;
    o->removed = 0;
    o->unknown = 0;
    o->has_doubted = false;
    o->after[0] = '\0';
    storage_clean(o->parts->storage, on_answer, o);
}

/* What could not be cleaned waits for the next round. */
static enum orphans_state after_clean(struct orphans *o)
{
    if (o->answer.code != ERR_NONE) {
        log_debug("temp files could not be removed", log_err(&o->answer));
    }
    return ORPHANS_LIST;
}

static void do_list(struct orphans *o)
{
    arena_free(o->arena);
    o->arena = arena_new();
    o->pending = 1;
    storage_list(o->parts->storage, o->arena, o->after, PAGE_FILES, &o->entries, &o->entry_count, on_answer,
                 o);
}

static enum orphans_state next_page(struct orphans *o)
{
    if (!o->is_last) {
        snprintf(o->after, sizeof o->after, "%s", o->entries[o->entry_count - 1].name);
        return rest(o, PAGE_PAUSE_MS, ORPHANS_LIST);
    }
    log_debug("the storage was searched");
    if (o->removed > 0) {
        log_info("files that nobody knew of were removed", log_int("files", o->removed));
    }
    return rest(o, o->options.round_ms, ORPHANS_CLEAN);
}

static enum orphans_state after_list(struct orphans *o)
{
    if (o->answer.code != ERR_NONE) {
        return try_again(o);
    }
    o->is_last = o->entry_count < PAGE_FILES;
    o->count = 0;
    for (size_t i = 0; i < o->entry_count; i++) {
        const struct storage_entry *entry = &o->entries[i];
        if (entry->age_ms > (int64_t)o->options.grace_ms && image_name_is_ours(entry->name)) {
            o->names[o->count++] = entry->name;
        }
    }
    return o->count > 0 ? ORPHANS_CHECK : next_page(o);
}

static void do_check(struct orphans *o)
{
    o->pending = 1;
    db_image_name_check(o->parts->db, o->names, o->count, o->is_named, on_answer, o);
}

static void keep_unnamed(struct orphans *o)
{
    size_t left = 0;
    for (size_t i = 0; i < o->count; i++) {
        if (!o->is_named[i]) {
            o->names[left++] = o->names[i];
        }
    }
    o->count = left;
}

/* The longest row of files in the page that nobody knows of; it may have begun in the page before. */
static size_t longest_unknown(struct orphans *o)
{
    size_t longest = 0;
    for (size_t i = 0; i < o->count; i++) {
        o->unknown = o->is_named[i] ? 0 : o->unknown + 1;
        longest = o->unknown > longest ? o->unknown : longest;
    }
    return longest;
}

/* A wrong or empty database, or one from an old backup, must not cost the files that are all there is left. */
static void doubt(struct orphans *o)
{
    if (!o->has_doubted) {
        log_warn("the database knows none of many files in a row; they are left alone",
                 log_text("first", o->names[0]), log_int("files", (int64_t)o->count));
    }
    o->has_doubted = true;
}

static enum orphans_state after_check(struct orphans *o)
{
    if (o->answer.code != ERR_NONE) {
        return try_again(o);
    }
    size_t longest = longest_unknown(o);
    keep_unnamed(o);
    if (longest >= DOUBT_FILES) {
        doubt(o);
        return next_page(o);
    }
    return o->count > 0 ? rest(o, CONFIRM_MS, ORPHANS_CONFIRM) : next_page(o);
}

static enum orphans_state after_confirm(struct orphans *o)
{
    if (o->answer.code != ERR_NONE) {
        return try_again(o);
    }
    keep_unnamed(o);
    return o->count > 0 ? ORPHANS_REMOVE : next_page(o);
}

static void on_removed(void *owner, const struct err *err)
{
    struct orphans *o = owner;
    if (err == NULL) {
        o->removed++;
        metric_add(o->parts->metrics->swept, 1);
    }
    on_answer(o, err);
}

static void do_remove(struct orphans *o)
{
    failpoint("orphans.removing");
    o->pending = o->count;
    for (size_t i = 0; i < o->count; i++) {
        log_debug("a file that nobody knows of is removed", log_text("file", o->names[i]));
        storage_remove(o->parts->storage, o->names[i], on_removed, o);
    }
}

/* What could not be removed is found in the next round. */
static enum orphans_state after_remove(struct orphans *o)
{
    if (o->answer.code != ERR_NONE) {
        log_debug("a file could not be removed", log_err(&o->answer));
    }
    return next_page(o);
}

static const struct {
    void (*start)(struct orphans *o);              /* begins calls */
    enum orphans_state (*next)(struct orphans *o); /* when all have answered */
} states[ORPHANS_REST] = {
    [ORPHANS_CLEAN] = {do_clean, after_clean},    [ORPHANS_LIST] = {do_list, after_list},
    [ORPHANS_CHECK] = {do_check, after_check},    [ORPHANS_CONFIRM] = {do_check, after_confirm},
    [ORPHANS_REMOVE] = {do_remove, after_remove},
};

static void start(struct orphans *o)
{
    o->answer = (struct err){.code = ERR_NONE};
    states[o->state].start(o);
}

static void step(struct orphans *o)
{
    enum orphans_state next = states[o->state].next(o);
    if (next != ORPHANS_REST && rounds_are_closing(&o->rounds)) {
        next = rest(o, 0, ORPHANS_LIST);
    }
    if (next == ORPHANS_REST) {
        rounds_rest(&o->rounds, o->rest_ms);
    } else {
        o->state = next;
        start(o);
    }
}

static void on_rested(void *owner)
{
    struct orphans *o = owner;
    if (breaker_is_open(o->parts->database_breaker) || breaker_is_open(o->parts->storage_breaker)) {
        rounds_rest(&o->rounds, AGAIN_MS);
    } else {
        start(o);
    }
}

static void release(void *owner)
{
    struct orphans *o = owner;
    arena_free(o->arena);
    free(o);
}

struct orphans *orphans_open(const struct parts *parts, const struct orphans_options *options)
{
    struct orphans *o = alloc_zeroed(1, sizeof *o);
    o->parts = parts;
    o->options = *options;
    o->state = ORPHANS_CLEAN;
    rounds_start(&o->rounds, parts->loop, random_below(options->round_ms) + 1, on_rested, release, o);
    return o;
}

void orphans_close(struct orphans *orphans, void (*closed)(void *owner), void *owner)
{
    rounds_close(&orphans->rounds, closed, owner);
}
