// SPDX-License-Identifier: Apache-2.0
/*
 * What a backend of storage gives: a table of verbs, each with the promise of its namesake in storage.h. A
 * backend's own structs begin with these. Inside storage only.
 *
 * To add a backend: a file storage_WHAT.c with its table, and a storage_WHAT_open in storage.h.
 */
#ifndef PIXMILL_STORAGE_STORAGE_BACKEND_H
#define PIXMILL_STORAGE_STORAGE_BACKEND_H

#include "common/storage/storage.h"

struct storage_ops {
    void (*close)(struct storage *storage);
    void (*begin)(struct storage *storage, struct storage_upload **out, done_fn done, void *owner);
    void (*write)(struct storage_upload *upload, const void *data, size_t bytes, done_fn done, void *owner);
    void (*commit)(struct storage_upload *upload, const char *name, done_fn done, void *owner);
    void (*abort)(struct storage_upload *upload);
    void (*put)(struct storage *storage, const char *name, int fd, int64_t bytes, done_fn done, void *owner);
    void (*get)(struct storage *storage, const char *name, struct storage_file *out, done_fn done,
                void *owner);
    void (*remove)(struct storage *storage, const char *name, done_fn done, void *owner);
    void (*list)(struct storage *storage, struct arena *arena, const char *after, size_t limit,
                 struct storage_entry **out, size_t *count, done_fn done, void *owner);
    void (*clean)(struct storage *storage, done_fn done, void *owner);
    void (*check)(struct storage *storage, done_fn done, void *owner);
};

struct storage {
    const struct storage_ops *ops;
};

struct storage_upload {
    struct storage *storage;
};

#endif
