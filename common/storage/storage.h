// SPDX-License-Identifier: Apache-2.0
/*
 * Where originals and variants are kept: a table of verbs (storage.c) over a backend (storage_disk.c; a
 * bucket later).
 *
 * Names are relative, made by common/image/image_name.h, and checked again here: no "..", no empty part, no
 * leading "/". A name's bytes never change. A file is seen whole or not at all: temp file, fsync, rename,
 * fsync of the folder. Calls answer from the loop; blocking work is on the thread pool.
 */
#ifndef PIXMILL_STORAGE_STORAGE_H
#define PIXMILL_STORAGE_STORAGE_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct loop;
struct storage;
struct storage_upload;

struct storage_file {
    int fd; /* open for reading; the receiver closes it */
    int64_t bytes;
    int64_t changed_us; /* wall clock */
};

/*
 * The disk backend under folder dir (made where it is missing). NULL with *err where it can't be used.
 * Blocking: for the start of a process. Unfinished files that a dead process left there an hour ago or
 * earlier are removed.
 */
struct storage *storage_disk_open(struct loop *loop, const char *dir, struct err *err);

/* Frees, after uploads that were aborted are dropped; nothing else may be pending. */
void storage_close(struct storage *storage);

/* Begins a file of yet unknown name: *out is the upload, ended by exactly one of commit or abort. */
void storage_begin(struct storage *storage, struct storage_upload **out, done_fn done, void *owner);

/* Adds bytes, which must stay until done. One write at a time. After an error only abort is allowed. */
void storage_write(struct storage_upload *upload, const void *data, size_t bytes, done_fn done, void *owner);

/*
 * Makes the file durable under its name. The upload is freed either way; on an error nothing is kept.
 * ERR_STORAGE, ERR_STORAGE_FULL where there is no space or no leave to write, or ERR_INTERNAL where the name is not safe.
 */
void storage_commit(struct storage_upload *upload, const char *name, done_fn done, void *owner);

/*
 * Drops the bytes and frees the upload. Needs no answer. Allowed while a write is pending: that still answers
 * (its data must stay until then), and the upload is dropped after it.
 */
void storage_abort(struct storage_upload *upload);

/*
 * Stores `bytes` bytes of fd from its start (a sealed memfd) durably under a name. fd stays the caller's,
 * open until done; its position is left alone. Errors as of storage_commit.
 */
void storage_put(struct storage *storage, const char *name, int fd, int64_t bytes, done_fn done, void *owner);

/* Opens a stored file for reading. ERR_SOURCE_MISSING where there is none, or where it is no plain file. */
void storage_get(struct storage *storage, const char *name, struct storage_file *out, done_fn done,
                 void *owner);

/* Removes a file; one that is gone already is no error. */
void storage_remove(struct storage *storage, const char *name, done_fn done, void *owner);

struct storage_entry {
    const char *name;
    int64_t bytes;
    int64_t age_ms; /* since it was last written or named, by the storage's own clock */
};

/*
 * Fills up to `limit` (> 0) stored files whose names come after `after` ("" for the first; else a safe name, which need not be there), in
 * the order of their names' bytes, and fewer only where there are no more: for the janitor, which pages through all there is. A file that
 * comes or goes meanwhile is in it or not. *out and the names are in the arena. Temp files are not stored files. ERR_STORAGE.
 */
void storage_list(struct storage *storage, struct arena *arena, const char *after, size_t limit,
                  struct storage_entry **out, size_t *count, done_fn done, void *owner);

/* Removes temp files that nobody wrote to for an hour, by the storage's own clock: what a process that died has left. ERR_STORAGE. */
void storage_clean(struct storage *storage, done_fn done, void *owner);

/* Asks whether writes would work now (for /readyz). */
void storage_check(struct storage *storage, done_fn done, void *owner);

#endif
