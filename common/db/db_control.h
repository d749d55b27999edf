// SPDX-License-Identifier: Apache-2.0
/*
 * What operators set for all processes at once. The queue has copies, and PostgreSQL the truth: an emptied Redis forgets none.
 */
#ifndef PIXMILL_DB_DB_CONTROL_H
#define PIXMILL_DB_DB_CONTROL_H

#include "common/base/err.h"

struct db;

struct db_control {
    bool is_paused; /* no job is handed out */
};

/* Reads it. */
void db_control_get(struct db *db, struct db_control *out, done_fn done, void *owner);

/* Sets it. */
void db_control_set_paused(struct db *db, bool is_paused, done_fn done, void *owner);

#endif
