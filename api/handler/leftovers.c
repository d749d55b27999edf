// SPDX-License-Identifier: Apache-2.0
#include "api/handler/leftovers.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/failpoint.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/db/db_media.h"
#include "common/net/loop.h"
#include "common/storage/storage.h"

#include <stdlib.h>

enum {
    LEFTOVERS_MAX = 10000,
    LEFTOVERS_MARGIN_MS = 1000 /* the server counts its own limit of a statement from when that has come */
};

struct leftover {
    struct list link;
    struct leftovers *all;
    char *stored_name;
    struct arena *arena; /* of the question that is asked now */
    struct db_media media;
    struct deadline due;
};

struct leftovers {
    struct loop *loop;
    struct db *db;
    struct storage *storage;
    uint64_t wait_ms;
    struct list list; /* of struct leftover, owned */
    size_t count;
    bool is_stopping;
};

struct leftovers *leftovers_new(struct loop *loop, struct db *db, struct storage *storage, uint64_t wait_ms)
{
    struct leftovers *leftovers = alloc_zeroed(1, sizeof(*leftovers));
    leftovers->loop = loop;
    leftovers->db = db;
    leftovers->storage = storage;
    leftovers->wait_ms = wait_ms + LEFTOVERS_MARGIN_MS;
    list_init(&leftovers->list);
    return leftovers;
}

static void leftover_free(struct leftover *leftover)
{
    list_remove(&leftover->link);
    leftover->all->count--;
    arena_free(leftover->arena);
    free(leftover->stored_name);
    free(leftover);
}

static void on_removed(void *owner, const struct err *err)
{
    struct leftover *leftover = owner;
    if (err != NULL) {
        log_error("a file without a row could not be removed", log_text("file", leftover->stored_name),
                  log_err(err));
    }
    leftover_free(leftover);
}

static void on_due(void *owner);

static void on_asked(void *owner, const struct err *err)
{
    struct leftover *leftover = owner;
    struct leftovers *all = leftover->all;
    arena_free(leftover->arena);
    leftover->arena = NULL;
    if (err == NULL) {
        leftover_free(leftover); /* the row is there: the file is its own */
    } else if (err->code == ERR_NOT_FOUND) {
        failpoint("leftovers.removing");
        storage_remove(all->storage, leftover->stored_name, on_removed, leftover);
    } else if (all->is_stopping) {
        log_warn("a file may be left without a row", log_text("file", leftover->stored_name));
        leftover_free(leftover);
    } else {
        deadline_arm(&leftover->due, all->loop, all->wait_ms, on_due, leftover);
    }
}

static void on_due(void *owner)
{
    struct leftover *leftover = owner;
    leftover->arena = arena_new();
    db_media_get(leftover->all->db, leftover->arena, leftover->stored_name, &leftover->media, on_asked,
                 leftover);
}

void leftovers_add(struct leftovers *leftovers, const char *stored_name)
{
    if (leftovers->is_stopping || leftovers->count >= LEFTOVERS_MAX) {
        log_warn("a file may be left without a row", log_text("file", stored_name));
        return;
    }
    struct leftover *leftover = alloc_zeroed(1, sizeof(*leftover));
    leftover->all = leftovers;
    leftover->stored_name = alloc_string(stored_name);
    list_init(&leftover->link);
    list_append(&leftovers->list, &leftover->link);
    leftovers->count++;
    deadline_arm(&leftover->due, leftovers->loop, leftovers->wait_ms, on_due, leftover);
}

void leftovers_stop(struct leftovers *leftovers)
{
    leftovers->is_stopping = true;
    for (struct list *link = leftovers->list.next; link != &leftovers->list;) {
        struct leftover *leftover = list_owner(link, struct leftover, link);
        link = link->next;
        if (deadline_is_armed(&leftover->due)) {
            deadline_disarm(&leftover->due);
            log_warn("a file may be left without a row", log_text("file", leftover->stored_name));
            leftover_free(leftover);
        }
    }
}

void leftovers_free(struct leftovers *leftovers)
{
    free(leftovers);
}
