// SPDX-License-Identifier: Apache-2.0
/*
 * Tombstones: stored names that no row refers to any more and whose files are to be removed.
 */
#ifndef PIXMILL_DB_DB_TOMBSTONE_H
#define PIXMILL_DB_DB_TOMBSTONE_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct db;

struct db_tombstone {
    int64_t id;
    const char *stored_name;
};

/* Fills up to `limit` tombstones that are at least grace_ms old and whose names no row refers to, oldest first. */
void db_tombstone_list(struct db *db, struct arena *arena, int64_t grace_ms, size_t limit,
                       struct db_tombstone **out, size_t *count, done_fn done, void *owner);

/* Drops tombstones whose files are gone. */
void db_tombstone_drop(struct db *db, const int64_t *ids, size_t count, done_fn done, void *owner);

#endif
