// SPDX-License-Identifier: Apache-2.0
/*
 * Stored originals whose row may or may not exist: the connection was lost while it was inserted. A row must never name a missing
 * file, so such a file is only removed when the database has said that no row names it. It is asked once every call that was in
 * flight has passed its deadline, and again until it answers.
 */
#ifndef PIXMILL_HANDLER_LEFTOVERS_H
#define PIXMILL_HANDLER_LEFTOVERS_H

#include <stdint.h>

struct db;
struct leftovers;
struct loop;
struct storage;

/* Never NULL. wait_ms: the deadline of a call to the database. */
struct leftovers *leftovers_new(struct loop *loop, struct db *db, struct storage *storage, uint64_t wait_ms);

/* Adds a stored name, which is copied. */
void leftovers_add(struct leftovers *leftovers, const char *stored_name);

/* Asks no more; what is left is told to the log (the janitor will find it). Before db_close. */
void leftovers_stop(struct leftovers *leftovers);

/* Frees; nothing may be pending. */
void leftovers_free(struct leftovers *leftovers);

#endif
