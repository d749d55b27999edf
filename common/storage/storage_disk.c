// SPDX-License-Identifier: Apache-2.0
/*
 * Files under one folder. Each verb is one piece of blocking work on the thread pool (run) and its end on the
 * loop (settle).
 */
#include "common/storage/storage.h"
#include "common/storage/storage_backend.h"
#include "common/storage/storage_root.h"
#include "common/storage/storage_temp.h"
#include "common/storage/storage_walk.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/net/loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROBE_BYTES = 4096 };

struct disk {
    struct storage base;
    struct loop *loop;
    struct storage_root root;
    size_t pending; /* calls under way */
    bool is_closed; /* freed when the last call has settled */
};

struct disk_upload {
    struct storage_upload base;
    struct storage_temp temp;
    bool is_busy;    /* a call of it is under way */
    bool is_aborted; /* drop it when that has settled */
};

struct call {
    struct disk *disk;
    int (*run)(struct call *call, struct err *err); /* on the pool */
    void (*settle)(struct call *call);              /* on the loop; answers */
    int status;
    struct err err;
    done_fn done;
    void *owner;
    /* what each verb needs */
    struct disk_upload *upload;
    struct storage_upload **out_upload;
    struct storage_file file;
    struct storage_file *out_file;
    const void *data;
    int64_t bytes;
    int fd;
    struct arena *arena;
    struct storage_found *found;
    int64_t now_us;
    size_t limit;
    size_t count;
    struct storage_entry **out_entries;
    size_t *out_count;
    char name[IMAGE_NAME_BYTES]; /* "" where what was given is too long to be one */
};

static struct disk *disk_of(struct storage *storage)
{
    return (struct disk *)storage;
}

static void disk_free(struct disk *disk)
{
    storage_root_release(&disk->root);
    free(disk);
}

static void on_work(void *owner)
{
    struct call *call = owner;
    call->status = call->run(call, &call->err);
}

static void on_work_done(void *owner)
{
    struct call *call = owner;
    struct disk *disk = call->disk;
    call->settle(call);
    free(call);
    disk->pending--;
    if (disk->is_closed && disk->pending == 0) {
        disk_free(disk);
    }
}

static void answer(struct call *call)
{
    call->done(call->owner, call->status == 0 ? NULL : &call->err);
}

static struct call *call_new(struct storage *storage, int (*run)(struct call *, struct err *), done_fn done,
                             void *owner)
{
    struct call *call = alloc_zeroed(1, sizeof *call);
    *call = (struct call){
        .disk = disk_of(storage), .run = run, .settle = answer, .done = done, .owner = owner, .fd = -1};
    return call;
}

static void call_name(struct call *call, const char *name)
{
    if (text_copy(call->name, sizeof call->name, name) != 0) {
        call->name[0] = '\0';
    }
}

static void call_start(struct call *call)
{
    call->disk->pending++;
    loop_work(call->disk->loop, on_work, on_work_done, call);
}

/* uploads */

static int run_begin(struct call *call, struct err *err)
{
    return storage_temp_make(&call->disk->root, &call->upload->temp, err);
}

static void settle_begin(struct call *call)
{
    if (call->status == 0) {
        *call->out_upload = &call->upload->base;
    } else {
        free(call->upload);
    }
    answer(call);
}

static void disk_begin(struct storage *storage, struct storage_upload **out, done_fn done, void *owner)
{
    struct call *call = call_new(storage, run_begin, done, owner);
    call->settle = settle_begin;
    call->upload = alloc_zeroed(1, sizeof *call->upload);
    call->upload->base.storage = storage;
    call->out_upload = out;
    call_start(call);
}

static int run_drop(struct call *call, struct err *err)
{
    (void)err;
    storage_temp_drop(&call->disk->root, &call->upload->temp);
    return 0;
}

static void settle_drop(struct call *call)
{
    free(call->upload);
}

static void upload_drop(struct disk_upload *upload)
{
    struct call *call = call_new(upload->base.storage, run_drop, NULL, NULL);
    call->settle = settle_drop;
    call->upload = upload;
    call_start(call);
}

static void disk_abort(struct storage_upload *base)
{
    struct disk_upload *upload = (struct disk_upload *)base;
    assert(!upload->is_aborted);
    upload->is_aborted = true;
    if (!upload->is_busy) {
        upload_drop(upload);
    }
}

static int run_write(struct call *call, struct err *err)
{
    return storage_temp_write(&call->upload->temp, call->data, (size_t)call->bytes, err);
}

static void settle_write(struct call *call)
{
    call->upload->is_busy = false;
    if (call->upload->is_aborted) {
        upload_drop(call->upload);
    }
    answer(call);
}

static void disk_write(struct storage_upload *base, const void *data, size_t bytes, done_fn done, void *owner)
{
    struct disk_upload *upload = (struct disk_upload *)base;
    assert(!upload->is_busy && !upload->is_aborted);
    upload->is_busy = true;
    struct call *call = call_new(base->storage, run_write, done, owner);
    call->settle = settle_write;
    call->upload = upload;
    call->data = data;
    call->bytes = (int64_t)bytes;
    call_start(call);
}

static int run_commit(struct call *call, struct err *err)
{
    return storage_temp_commit(&call->disk->root, &call->upload->temp, call->name, err);
}

static void settle_commit(struct call *call)
{
    free(call->upload);
    answer(call);
}

static void disk_commit(struct storage_upload *base, const char *name, done_fn done, void *owner)
{
    struct disk_upload *upload = (struct disk_upload *)base;
    assert(!upload->is_busy && !upload->is_aborted);
    upload->is_busy = true;
    struct call *call = call_new(base->storage, run_commit, done, owner);
    call->settle = settle_commit;
    call->upload = upload;
    call_name(call, name);
    call_start(call);
}

/* whole files */

static int run_put(struct call *call, struct err *err)
{
    struct storage_temp temp;
    if (storage_temp_make(&call->disk->root, &temp, err) != 0) {
        return -1;
    }
    if (storage_temp_copy(&temp, call->fd, call->bytes, err) != 0) {
        storage_temp_drop(&call->disk->root, &temp);
        return -1;
    }
    return storage_temp_commit(&call->disk->root, &temp, call->name, err);
}

static void disk_put(struct storage *storage, const char *name, int fd, int64_t bytes, done_fn done,
                     void *owner)
{
    struct call *call = call_new(storage, run_put, done, owner);
    call_name(call, name);
    call->fd = fd;
    call->bytes = bytes;
    call_start(call);
}

/* what is not there, and what must not be followed, is missing; all else is the storage's trouble */
static int get_failed(int errnum, struct err *err)
{
    bool is_missing = errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP || errnum == EXDEV;
    return err_set_errno(err, is_missing ? ERR_SOURCE_MISSING : ERR_STORAGE, errnum,
                         "a stored file can not be opened");
}

static int run_get(struct call *call, struct err *err)
{
    if (!storage_root_takes(call->name)) {
        return err_set(err, ERR_SOURCE_MISSING, "not a name of a stored file");
    }
    int fd = failpoint_fails("storage.get", &errno) ? -errno
                                                    : storage_root_open_file(&call->disk->root, call->name);
    if (fd < 0) {
        return get_failed(-fd, err);
    }
    struct stat info;
    int status = fstat(fd, &info) == 0 ? 0 : errno;
    if (status != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return get_failed(status != 0 ? status : ENOENT, err);
    }
    call->file = (struct storage_file){.fd = fd,
                                       .bytes = info.st_size,
                                       .changed_us = (int64_t)info.st_mtim.tv_sec * 1000000 +
                                                     info.st_mtim.tv_nsec / 1000};
    return 0;
}

static void settle_get(struct call *call)
{
    if (call->status == 0) {
        *call->out_file = call->file;
    }
    answer(call);
}

static void disk_get(struct storage *storage, const char *name, struct storage_file *out, done_fn done,
                     void *owner)
{
    struct call *call = call_new(storage, run_get, done, owner);
    call->settle = settle_get;
    call->out_file = out;
    call_name(call, name);
    call_start(call);
}

static int run_remove(struct call *call, struct err *err)
{
    if (!storage_root_takes(call->name)) {
        return err_set(err, ERR_INTERNAL, "not a name of a stored file");
    }
    int folder = storage_root_open_folder(&call->disk->root, call->name);
    if (folder == -ENOENT) {
        return 0;
    }
    if (folder < 0) {
        return err_set_errno(err, ERR_STORAGE, -folder, "the folder of a stored file can not be opened");
    }
    int status = 0;
    if (failpoint_fails("storage.remove", &errno)) {
        status = errno;
    } else if (unlinkat(folder, storage_root_leaf(call->name), 0) == 0) {
        /* the caller forgets the name next, so it must not come back after a crash */
        failpoint("storage.removed");
        status = fsync(folder) == 0 ? 0 : errno;
    } else {
        status = errno == ENOENT ? 0 : errno;
    }
    close(folder);
    return status == 0 ? 0 : err_set_errno(err, ERR_STORAGE, status, "a stored file can not be removed");
}

static void disk_remove(struct storage *storage, const char *name, done_fn done, void *owner)
{
    struct call *call = call_new(storage, run_remove, done, owner);
    call_name(call, name);
    call_start(call);
}

/* all files */

static int run_list(struct call *call, struct err *err)
{
    struct storage_root *root = &call->disk->root;
    return storage_temp_now(root, &call->now_us, err) == 0
               ? storage_walk(root, call->name, call->limit, call->found, &call->count, err)
               : -1;
}

static void settle_list(struct call *call)
{
    if (call->status == 0) {
        struct storage_entry *entries = arena_alloc(call->arena, call->count * sizeof *entries);
        for (size_t i = 0; i < call->count; i++) {
            const struct storage_found *found = &call->found[i];
            entries[i] = (struct storage_entry){.name = arena_string(call->arena, found->name),
                                                .bytes = found->bytes,
                                                .age_ms = (call->now_us - found->changed_us) / 1000};
        }
        *call->out_entries = entries;
        *call->out_count = call->count;
    }
    free(call->found);
    answer(call);
}

static void disk_list(struct storage *storage, struct arena *arena, const char *after, size_t limit,
                      struct storage_entry **out, size_t *count, done_fn done, void *owner)
{
    struct call *call = call_new(storage, run_list, done, owner);
    call->settle = settle_list;
    call->arena = arena;
    call->found = alloc_zeroed(limit, sizeof *call->found);
    call->limit = limit;
    call->out_entries = out;
    call->out_count = count;
    call_name(call, after);
    call_start(call);
}

static int run_clean(struct call *call, struct err *err)
{
    struct storage_root *root = &call->disk->root;
    return storage_temp_now(root, &call->now_us, err) == 0 ? storage_root_sweep(root, call->now_us, err) : -1;
}

static void disk_clean(struct storage *storage, done_fn done, void *owner)
{
    call_start(call_new(storage, run_clean, done, owner));
}

static int run_check(struct call *call, struct err *err)
{
    static const char probe[PROBE_BYTES];
    struct storage_temp temp;
    if (storage_temp_make(&call->disk->root, &temp, err) != 0) {
        return -1;
    }
    int status = storage_temp_write(&temp, probe, sizeof probe, err);
    if (status == 0) {
        status = storage_temp_sync(&temp, err);
    }
    storage_temp_drop(&call->disk->root, &temp);
    return status;
}

static void disk_check(struct storage *storage, done_fn done, void *owner)
{
    call_start(call_new(storage, run_check, done, owner));
}

/* the folder */

static void disk_close(struct storage *storage)
{
    struct disk *disk = disk_of(storage);
    disk->is_closed = true;
    if (disk->pending == 0) {
        disk_free(disk);
    }
}

struct storage *storage_disk_open(struct loop *loop, const char *dir, struct err *err)
{
    static const struct storage_ops ops = {
        .close = disk_close,
        .begin = disk_begin,
        .write = disk_write,
        .commit = disk_commit,
        .abort = disk_abort,
        .put = disk_put,
        .get = disk_get,
        .remove = disk_remove,
        .list = disk_list,
        .clean = disk_clean,
        .check = disk_check,
    };
    struct disk *disk = alloc_zeroed(1, sizeof *disk);
    disk->base.ops = &ops;
    disk->loop = loop;
    if (storage_root_open(&disk->root, dir, err) != 0) {
        free(disk);
        return NULL;
    }
    int64_t now_us = 0;
    struct err fault;
    /* nobody is harmed where this fails: a janitor tries again */
    if (storage_temp_now(&disk->root, &now_us, &fault) != 0 ||
        storage_root_sweep(&disk->root, now_us, &fault) != 0) {
        log_debug("temp files may be left", log_err(&fault));
    }
    return &disk->base;
}
