// SPDX-License-Identifier: Apache-2.0
#include "api/handler/readiness.h"

#include "common/base/alloc.h"
#include "common/db/db.h"
#include "common/storage/storage.h"

#include <assert.h>
#include <stdlib.h>

/* One part; owner of its check. */
struct part {
    struct readiness *readiness;
    enum readiness_part number;
    struct readiness_check check;
    bool is_pending; /* the check has not answered */
};

struct readiness {
    struct loop *loop;
    struct part parts[READINESS_PARTS];
    struct list probes; /* that wait; they are their owners' */
};

static void ask_db(void *part, done_fn done, void *owner)
{
    db_check(part, done, owner);
}

static void ask_storage(void *part, done_fn done, void *owner)
{
    storage_check(part, done, owner);
}

struct readiness_check readiness_of_db(struct db *db)
{
    return (struct readiness_check){ask_db, db};
}

struct readiness_check readiness_of_storage(struct storage *storage)
{
    return (struct readiness_check){ask_storage, storage};
}

struct readiness *readiness_new(struct loop *loop, const struct readiness_check checks[READINESS_PARTS])
{
    struct readiness *readiness = alloc_zeroed(1, sizeof(*readiness));
    readiness->loop = loop;
    list_init(&readiness->probes);
    for (int i = 0; i < READINESS_PARTS; i++) {
        readiness->parts[i] = (struct part){readiness, (enum readiness_part)i, checks[i], false};
    }
    return readiness;
}

void readiness_free(struct readiness *readiness)
{
    if (readiness == NULL) {
        return;
    }
    assert(list_is_empty(&readiness->probes));
    for (int i = 0; i < READINESS_PARTS; i++) {
        assert(!readiness->parts[i].is_pending);
    }
    free(readiness);
}

/* The only end of a probe. */
static void finish(struct readiness_probe *probe)
{
    list_remove(&probe->link);
    deadline_disarm(&probe->deadline);
    probe->done(probe->owner);
}

static void on_deadline(void *owner)
{
    finish(owner);
}

/* Tells every probe that waits for the part; those that wait for nothing more are done. */
static void on_checked(void *owner, const struct err *err)
{
    struct part *part = owner;
    unsigned bit = 1U << part->number;
    struct list waiting;
    list_init(&waiting);
    part->is_pending = false;
    for (struct list *link = list_shift(&part->readiness->probes); link != NULL;
         link = list_shift(&part->readiness->probes)) {
        list_append(&waiting, link);
    }
    for (struct list *link = list_shift(&waiting); link != NULL; link = list_shift(&waiting)) {
        struct readiness_probe *probe = list_owner(link, struct readiness_probe, link);
        list_append(&part->readiness->probes, link);
        if (probe->waits & bit) {
            probe->waits &= ~bit;
            probe->is_up[part->number] = err == NULL;
            if (probe->waits == 0) {
                finish(probe);
            }
        }
    }
}

void readiness_ask(struct readiness *readiness, struct readiness_probe *probe, void (*done)(void *owner),
                   void *owner)
{
    *probe = (struct readiness_probe){.waits = (1U << READINESS_PARTS) - 1, .done = done, .owner = owner};
    list_init(&probe->link);
    list_append(&readiness->probes, &probe->link);
    deadline_arm(&probe->deadline, readiness->loop, READINESS_TIMEOUT_MS, on_deadline, probe);
    for (int i = 0; i < READINESS_PARTS; i++) {
        struct part *part = &readiness->parts[i];
        if (!part->is_pending) {
            part->is_pending = true;
            part->check.ask(part->check.part, on_checked, part);
        }
    }
}
