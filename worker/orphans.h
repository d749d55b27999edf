// SPDX-License-Identifier: Apache-2.0
/*
 * Finds stored files that nobody knows of and removes them: uploads whose row never came, variants of a worker that died. Goes through
 * the whole storage once a day, in small pages. Temp files that nobody writes to any more go first.
 *
 *     REST ─► CLEAN ─► LIST ─► CHECK ─► (a pause) ─► CHECK again ─► REMOVE ─► (a pause) LIST ... ─► REST
 *
 * A file is removed only where all of this is so:
 * - its name is one of ours, and it is older than the grace time, by the storage's own clock (a worker's may be wrong). The grace time is
 *   never shorter than two deadlines of the database: between the naming of an upload's file and the end of the insert of its row lies one;
 * - no row and no tombstone names it, and no row may come to name it: a variant is spared while its image is, or will be, owed its
 *   generation (db_image_name_check), since a job writes it before the row is switched. A generation that is settled never
 *   becomes owed again, so what may be removed once may be removed for ever;
 * - both are still so when it is asked again, right before;
 * - it does not stand in a row of a hundred files, by name and so by day, of which the database knows none: else that is the wrong
 *   database, or one from an old backup, and the files are all there is left of those images. The page is left alone then.
 *
 * Every worker does it: which of them would be hard to agree upon where all come and go, and two at once do no harm, since a file that
 * is gone already is no error. A random part of the pause before the first round keeps them apart.
 */
#ifndef PIXMILL_WORKER_ORPHANS_H
#define PIXMILL_WORKER_ORPHANS_H

#include "worker/parts.h"

struct orphans;

struct orphans_options {
    uint64_t round_ms; /* between two whole rounds */
    uint64_t grace_ms;
};

/* Starts with a rest. Never NULL; parts outlive it. Closed with orphans_close. */
struct orphans *orphans_open(const struct parts *parts, const struct orphans_options *options);

/* Stops and frees; closed(owner) is the last call, from the loop. */
void orphans_close(struct orphans *orphans, void (*closed)(void *owner), void *owner);

#endif
