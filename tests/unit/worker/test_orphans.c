// SPDX-License-Identifier: Apache-2.0
/* Storage, database and breakers are this test's: what it defines, the linker leaves out of the libraries. */
#include "worker/orphans.h"

#include "common/base/arena.h"
#include "common/db/db_image.h"
#include "common/net/loop.h"
#include "common/storage/storage.h"
#include "tests/support/await.h"
#include "worker/breaker.h"
#include "worker/metrics.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { FILES = 1203, GRACE_MS = 1000, NAME_BYTES = 80 };

struct call {
    struct loop_later later;
    done_fn done;
    void *owner;
};

struct storage {
    struct loop *loop;
    struct call call;
    struct call removals[FILES];
    int cleans;
    int lists;
    char names[FILES][NAME_BYTES];
    int64_t age_ms[FILES];
    int removed[FILES];
    int removals_count;
};

struct db {
    struct loop *loop;
    struct call call;
    int checks;
    bool is_empty;               /* it knows nothing */
    size_t lost_from, lost_to;   /* where not 0: it knows all but the files from here to before there */
    int failures;                /* of checks, yet */
    const char *named_at_second; /* by the second look at it */
    int looks;                   /* at that */
    size_t most;                 /* names in one question */
};

static void answer(void *owner)
{
    struct call *call = owner;
    call->done(call->owner, NULL);
}

static void answer_badly(void *owner)
{
    struct call *call = owner;
    struct err err;
    err_set(&err, ERR_DATABASE, "away");
    call->done(call->owner, &err);
}

static void answer_later(struct loop *loop, struct call *call, void (*how)(void *), done_fn done, void *owner)
{
    *call = (struct call){.done = done, .owner = owner};
    loop_call_later(loop, &call->later, how, call);
}

void storage_clean(struct storage *storage, done_fn done, void *owner)
{
    storage->cleans++;
    answer_later(storage->loop, &storage->call, answer, done, owner);
}

void storage_list(struct storage *storage, struct arena *arena, const char *after, size_t limit,
                  struct storage_entry **out, size_t *count, done_fn done, void *owner)
{
    storage->lists++;
    *out = arena_alloc(arena, limit * sizeof **out);
    *count = 0;
    for (size_t i = 0; i < FILES && *count < limit; i++) {
        if (storage->removed[i] == 0 && strcmp(storage->names[i], after) > 0) {
            (*out)[(*count)++] =
                (struct storage_entry){.name = storage->names[i], .age_ms = storage->age_ms[i]};
        }
    }
    answer_later(storage->loop, &storage->call, answer, done, owner);
}

static size_t place_of(const struct storage *storage, const char *name)
{
    for (size_t i = 0; i < FILES; i++) {
        if (strcmp(storage->names[i], name) == 0) {
            return i;
        }
    }
    abort();
}

void storage_remove(struct storage *storage, const char *name, done_fn done, void *owner)
{
    size_t place = place_of(storage, name);
    storage->removed[place]++;
    storage->removals_count++;
    answer_later(storage->loop, &storage->removals[place], answer, done, owner);
}

/* Rows name every file whose name ends in an even digit. */
void db_image_name_check(struct db *db, const char *const *names, size_t count, bool *is_named, done_fn done,
                         void *owner)
{
    bool is_failure = db->failures > 0;
    db->checks++;
    db->failures -= is_failure;
    db->most = count > db->most ? count : db->most;
    for (size_t i = 0; i < count; i++) {
        bool is_special = db->named_at_second != NULL && strcmp(names[i], db->named_at_second) == 0;
        db->looks += is_special && !is_failure;
        bool is_even = (strrchr(names[i], '.')[-1] - '0') % 2 == 0;
        size_t place = (size_t)strtoul(strrchr(names[i], '-') + 1, NULL, 10);
        if (db->lost_to > 0) {
            is_named[i] = place < db->lost_from || place >= db->lost_to;
            continue;
        }
        is_named[i] = (is_even && !db->is_empty) || (is_special && db->looks > 1);
    }
    answer_later(db->loop, &db->call, is_failure ? answer_badly : answer, done, owner);
}

bool breaker_is_open(const struct breaker *breaker)
{
    return *(const bool *)(const void *)breaker;
}

struct fixture {
    struct loop *loop;
    struct storage storage;
    struct db db;
    struct parts parts;
    struct worker_metrics metrics; /* none: nothing is counted */
    bool is_away;
    struct orphans *orphans;
    int closed;
};

static struct fixture fixture;

static void open_orphans(void)
{
    struct orphans_options options = {.round_ms = 1, .grace_ms = GRACE_MS};
    fixture.loop = loop_new(NULL);
    fixture.storage.loop = fixture.loop;
    fixture.db.loop = fixture.loop;
    fixture.parts = (struct parts){.loop = fixture.loop,
                                   .storage = &fixture.storage,
                                   .db = &fixture.db,
                                   .metrics = &fixture.metrics,
                                   .database_breaker = (struct breaker *)(void *)&fixture.is_away,
                                   .storage_breaker = (struct breaker *)(void *)&fixture.is_away};
    fixture.orphans = orphans_open(&fixture.parts, &options);
}

static int set_up(void **state)
{
    (void)state;
    memset(&fixture, 0, sizeof fixture);
    for (size_t i = 0; i < FILES; i++) {
        snprintf(fixture.storage.names[i], NAME_BYTES,
                 "products/2026/01/31/00000000-0000-4000-8000-00000000%04zu.jpg", i);
        fixture.storage.age_ms[i] = GRACE_MS + 1;
    }
    return 0;
}

static void close_orphans(void)
{
    orphans_close(fixture.orphans, await_count, &fixture.closed);
    loop_run(fixture.loop);
    assert_int_equal(fixture.closed, 1);
    loop_free(fixture.loop);
}

static void what_nobody_names_is_removed_page_by_page(void **state)
{
    (void)state;
    open_orphans();
    assert_true(await_reached(fixture.loop, &fixture.storage.cleans, 2));
    for (size_t i = 0; i < FILES; i++) {
        assert_int_equal(fixture.storage.removed[i], i % 2);
    }
    assert_int_equal(fixture.storage.lists, 3);
    assert_int_equal(fixture.db.checks, 6);
    assert_int_equal(fixture.db.most, 500);
    close_orphans();
}

static void what_is_young_or_not_ours_is_not_even_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        fixture.storage.age_ms[i] = i % 3 == 0 ? GRACE_MS : i % 3 == 1 ? -5000 : GRACE_MS + 1;
        if (i % 3 == 2) {
            memcpy(fixture.storage.names[i], "holidays", strlen("holidays"));
        }
    }
    open_orphans();
    assert_true(await_reached(fixture.loop, &fixture.storage.cleans, 2));
    assert_int_equal(fixture.db.checks, 0);
    assert_int_equal(fixture.storage.removals_count, 0);
    close_orphans();
}

static void what_gets_a_row_between_two_looks_stays(void **state)
{
    (void)state;
    fixture.db.named_at_second = fixture.storage.names[7];
    open_orphans();
    assert_true(await_reached(fixture.loop, &fixture.storage.cleans, 2));
    assert_int_equal(fixture.db.looks, 2);
    assert_int_equal(fixture.storage.removed[7], 0);
    assert_int_equal(fixture.storage.removed[9], 1);
    close_orphans();
}

static void the_wrong_database_costs_no_file(void **state)
{
    (void)state;
    fixture.db.is_empty = true;
    open_orphans();
    assert_true(await_reached(fixture.loop, &fixture.storage.cleans, 2));
    assert_int_equal(fixture.db.checks, 3);
    assert_int_equal(fixture.storage.removals_count, 0);
    close_orphans();
}

static void an_old_database_costs_no_file_that_came_after_it(void **state)
{
    (void)state;
    /* the last day's are lost, in the middle of the first page and for some way into the second */
    fixture.db.lost_from = 350;
    fixture.db.lost_to = 520;
    open_orphans();
    assert_true(await_reached(fixture.loop, &fixture.storage.cleans, 2));
    assert_int_equal(fixture.db.checks, 3);
    assert_int_equal(fixture.storage.removals_count, 0);
    close_orphans();
}

static void a_few_in_a_row_are_removed(void **state)
{
    (void)state;
    fixture.db.lost_from = 460;
    fixture.db.lost_to = 559;
    open_orphans();
    assert_true(await_reached(fixture.loop, &fixture.storage.cleans, 2));
    assert_int_equal(fixture.storage.removals_count, 99);
    close_orphans();
}

static void nothing_is_removed_while_nobody_can_say(void **state)
{
    (void)state;
    fixture.db.failures = 1000;
    open_orphans();
    assert_true(await_reached(fixture.loop, &fixture.db.checks, 1));
    struct deadline wait = {.place = 0};
    int waited = 0;
    deadline_arm(&wait, fixture.loop, 50, await_count, &waited);
    assert_true(await_reached(fixture.loop, &waited, 1));
    assert_int_equal(fixture.storage.removals_count, 0);
    assert_int_equal(fixture.storage.lists, 1);
    close_orphans();
}

static void a_dependency_that_is_away_is_left_alone(void **state)
{
    (void)state;
    struct deadline wait = {.place = 0};
    int waited = 0;
    fixture.is_away = true;
    open_orphans();
    deadline_arm(&wait, fixture.loop, 50, await_count, &waited);
    assert_true(await_reached(fixture.loop, &waited, 1));
    assert_int_equal(fixture.storage.cleans + fixture.storage.lists, 0);
    close_orphans();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_nobody_names_is_removed_page_by_page, set_up),
        cmocka_unit_test_setup(what_is_young_or_not_ours_is_not_even_asked_for, set_up),
        cmocka_unit_test_setup(what_gets_a_row_between_two_looks_stays, set_up),
        cmocka_unit_test_setup(the_wrong_database_costs_no_file, set_up),
        cmocka_unit_test_setup(an_old_database_costs_no_file_that_came_after_it, set_up),
        cmocka_unit_test_setup(a_few_in_a_row_are_removed, set_up),
        cmocka_unit_test_setup(nothing_is_removed_while_nobody_can_say, set_up),
        cmocka_unit_test_setup(a_dependency_that_is_away_is_left_alone, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
