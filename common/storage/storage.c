// SPDX-License-Identifier: Apache-2.0
#include "common/storage/storage.h"
#include "common/storage/storage_backend.h"

void storage_close(struct storage *storage)
{
    storage->ops->close(storage);
}

void storage_begin(struct storage *storage, struct storage_upload **out, done_fn done, void *owner)
{
    storage->ops->begin(storage, out, done, owner);
}

void storage_write(struct storage_upload *upload, const void *data, size_t bytes, done_fn done, void *owner)
{
    upload->storage->ops->write(upload, data, bytes, done, owner);
}

void storage_commit(struct storage_upload *upload, const char *name, done_fn done, void *owner)
{
    upload->storage->ops->commit(upload, name, done, owner);
}

void storage_abort(struct storage_upload *upload)
{
    upload->storage->ops->abort(upload);
}

void storage_put(struct storage *storage, const char *name, int fd, int64_t bytes, done_fn done, void *owner)
{
    storage->ops->put(storage, name, fd, bytes, done, owner);
}

void storage_get(struct storage *storage, const char *name, struct storage_file *out, done_fn done,
                 void *owner)
{
    storage->ops->get(storage, name, out, done, owner);
}

void storage_remove(struct storage *storage, const char *name, done_fn done, void *owner)
{
    storage->ops->remove(storage, name, done, owner);
}

void storage_list(struct storage *storage, struct arena *arena, const char *after, size_t limit,
                  struct storage_entry **out, size_t *count, done_fn done, void *owner)
{
    storage->ops->list(storage, arena, after, limit, out, count, done, owner);
}

void storage_clean(struct storage *storage, done_fn done, void *owner)
{
    storage->ops->clean(storage, done, owner);
}

void storage_check(struct storage *storage, done_fn done, void *owner)
{
    storage->ops->check(storage, done, owner);
}
