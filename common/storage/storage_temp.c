// SPDX-License-Identifier: Apache-2.0
/*
 * A file gets its name by rename, after its bytes are on the disk; then its folder is synced: a crash leaves it whole or
 * absent. A name that exists already is replaced: a name's bytes never change, so it can only be an earlier attempt at
 * the same file, of which this one is as good a copy, and the one whose size the row will tell.
 */
#include "common/storage/storage_temp.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

enum { FILE_MODE = 0640, COPY_BYTES = 1 << 30 };

int storage_temp_make(struct storage_root *root, struct storage_temp *temp, struct err *err)
{
    random_uuid(temp->name);
    temp->fd =
        openat(root->temp_fd, temp->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    return temp->fd < 0 ? err_set_errno(err, ERR_STORAGE, errno, "a temp file can not be made") : 0;
}

void storage_temp_drop(struct storage_root *root, struct storage_temp *temp)
{
    if (temp->fd >= 0) {
        close(temp->fd);
        temp->fd = -1;
    }
    unlinkat(root->temp_fd, temp->name, 0);
}

int storage_temp_write(struct storage_temp *temp, const void *data, size_t bytes, struct err *err)
{
    const char *at = data;
    while (bytes > 0) {
        ssize_t written = write(temp->fd, at, bytes);
        if (written < 0 && errno != EINTR) {
            return err_set_errno(err, ERR_STORAGE, errno, "a file can not be written");
        }
        if (written > 0) {
            at += written;
            bytes -= (size_t)written;
        }
    }
    return 0;
}

int storage_temp_copy(struct storage_temp *temp, int from, int64_t bytes, struct err *err)
{
    off_t at = 0;
    while (at < bytes) {
        ssize_t copied =
            sendfile(temp->fd, from, &at, bytes - at < COPY_BYTES ? (size_t)(bytes - at) : COPY_BYTES);
        if (copied < 0 && errno != EINTR) {
            return err_set_errno(err, ERR_STORAGE, errno, "a file can not be written");
        }
        if (copied == 0) {
            return err_set(err, ERR_INTERNAL, "a file to store is shorter than was told");
        }
    }
    return 0;
}

int storage_temp_sync(struct storage_temp *temp, struct err *err)
{
    return fsync(temp->fd) == 0 ? 0 : err_set_errno(err, ERR_STORAGE, errno, "a file can not be synced");
}

/*
 * Gives a temp file its name in an open folder and syncs that. Where the last sync fails, a name that was not
 * there before is taken back; one that was may belong to a row, so it stays.
 */
static int rename_temp(struct storage_root *root, struct storage_temp *temp, int folder, const char *leaf,
                       struct err *err)
{
    int from = root->temp_fd;
    bool is_new = renameat2(from, temp->name, folder, leaf, RENAME_NOREPLACE) == 0;
    if (!is_new && renameat(from, temp->name, folder, leaf) != 0) {
        return err_set_errno(err, ERR_STORAGE, errno, "a file can not be named");
    }
    if (fsync(folder) != 0) {
        err_set_errno(err, ERR_STORAGE, errno, "a folder can not be synced");
        if (is_new) {
            unlinkat(folder, leaf, 0);
        }
        return -1;
    }
    return 0;
}

int storage_temp_commit(struct storage_root *root, struct storage_temp *temp, const char *name,
                        struct err *err)
{
    int status = -1;
    int folder = -1;
    if (!storage_root_takes(name)) {
        err_set(err, ERR_INTERNAL, "not a name for a stored file");
        goto out;
    }
    if (storage_temp_sync(temp, err) != 0) {
        goto out;
    }
    folder = storage_root_make_folder(root, name);
    if (folder < 0) {
        err_set_errno(err, ERR_STORAGE, -folder, "a folder can not be made");
        goto out;
    }
    status = rename_temp(root, temp, folder, storage_root_leaf(name), err);
out:
    if (status == 0) {
        close(temp->fd);
        temp->fd = -1;
    } else {
        storage_temp_drop(root, temp);
    }
    if (folder >= 0) {
        close(folder);
    }
    return status;
}
