// SPDX-License-Identifier: Apache-2.0
/*
 * A file is written without any name (O_TMPFILE), so that one whose process dies is gone with it; where the file system or the
 * missing /proc does not allow that, under a random name in .tmp. It gets its own name after its bytes are on the disk; then
 * its folder is synced: a crash leaves it whole or absent. A name that exists already is replaced: a name's bytes never change,
 * so it can only be an earlier attempt at the same file, of which this one is as good a copy, and the one whose size the
 * row will tell.
 */
#include "common/storage/storage_temp.h"
#include "common/base/failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0640, COPY_BYTES = 1 << 30, PROC_PATH_BYTES = 32 };

/* Where the kernel shows an open file; a link made of it gives an unnamed file its name (open(2), O_TMPFILE). */
static void proc_path(int fd, char path[PROC_PATH_BYTES])
{
    snprintf(path, PROC_PATH_BYTES, "/proc/self/fd/%d", fd);
}

/* Returns a descriptor, or -1 where unnamed files can't be made here, or could not be named afterwards. */
static int make_unnamed(struct storage_root *root)
{
    char path[PROC_PATH_BYTES];
    int fd = openat(root->temp_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, FILE_MODE);
    if (fd >= 0) {
        proc_path(fd, path);
        if (access(path, F_OK) != 0) {
            close(fd);
            fd = -1;
        }
    }
    return fd;
}

/* No space and no leave to write are no fault of a file: they have a code of their own. Returns -1. */
static int refuse(struct err *err, int errnum, const char *sentence)
{
    bool is_full = errnum == ENOSPC || errnum == EDQUOT || errnum == EROFS;
    return err_set_errno(err, is_full ? ERR_STORAGE_FULL : ERR_STORAGE, errnum, "%s", sentence);
}

int storage_temp_make(struct storage_root *root, struct storage_temp *temp, struct err *err)
{
    temp->name[0] = '\0';
    temp->fd = -1;
    if (failpoint_fails("storage.begin", &errno)) {
        return refuse(err, errno, "a temp file can not be made");
    }
    temp->fd = make_unnamed(root);
    if (temp->fd >= 0) {
        return 0;
    }
    random_uuid(temp->name);
    temp->fd =
        openat(root->temp_fd, temp->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    return temp->fd < 0 ? refuse(err, errno, "a temp file can not be made") : 0;
}

int storage_temp_now(struct storage_root *root, int64_t *now_us, struct err *err)
{
    struct storage_temp temp;
    struct stat info;
    if (storage_temp_make(root, &temp, err) != 0) {
        return -1;
    }
    int status = fstat(temp.fd, &info) == 0
                     ? 0
                     : err_set_errno(err, ERR_STORAGE, errno, "a temp file can not be seen");
    if (status == 0) {
        *now_us = (int64_t)info.st_ctim.tv_sec * 1000000 + info.st_ctim.tv_nsec / 1000;
    }
    storage_temp_drop(root, &temp);
    return status;
}

/* Links an unnamed file. Returns 0, or -1 with errno. */
static int link_unnamed(const struct storage_temp *temp, int folder, const char *leaf)
{
    char path[PROC_PATH_BYTES];
    proc_path(temp->fd, path);
    return linkat(AT_FDCWD, path, folder, leaf, AT_SYMLINK_FOLLOW);
}

void storage_temp_drop(struct storage_root *root, struct storage_temp *temp)
{
    if (temp->fd >= 0) {
        close(temp->fd);
        temp->fd = -1;
    }
    if (temp->name[0] != '\0') {
        unlinkat(root->temp_fd, temp->name, 0);
    }
}

int storage_temp_write(struct storage_temp *temp, const void *data, size_t bytes, struct err *err)
{
    const char *at = data;
    while (bytes > 0) {
        ssize_t written = failpoint_fails("storage.write", &errno) ? -1 : write(temp->fd, at, bytes);
        if (written < 0 && errno != EINTR) {
            return refuse(err, errno, "a file can not be written");
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
            failpoint_fails("storage.put", &errno)
                ? -1
                : sendfile(temp->fd, from, &at, bytes - at < COPY_BYTES ? (size_t)(bytes - at) : COPY_BYTES);
        failpoint("storage.putting");
        if (copied < 0 && errno != EINTR) {
            return refuse(err, errno, "a file can not be written");
        }
        if (copied == 0) {
            return err_set(err, ERR_INTERNAL, "a file to store is shorter than was told");
        }
    }
    return 0;
}

int storage_temp_sync(struct storage_temp *temp, struct err *err)
{
    bool is_synced = !failpoint_fails("storage.commit", &errno) && fsync(temp->fd) == 0;
    return is_synced ? 0 : refuse(err, errno, "a file can not be synced");
}

/* Gives a temp file a name that does not exist yet. Returns false where it does, or for another reason. */
static bool name_new(struct storage_root *root, const struct storage_temp *temp, int folder, const char *leaf)
{
    if (temp->name[0] == '\0') {
        return link_unnamed(temp, folder, leaf) == 0;
    }
    return renameat2(root->temp_fd, temp->name, folder, leaf, RENAME_NOREPLACE) == 0;
}

/* Gives a temp file a name in the place of what has it. A link replaces nothing, so an unnamed file gets a name in .tmp first. */
static int name_over(struct storage_root *root, struct storage_temp *temp, int folder, const char *leaf)
{
    if (temp->name[0] == '\0') {
        random_uuid(temp->name);
        if (link_unnamed(temp, root->temp_fd, temp->name) != 0) {
            return -1;
        }
    }
    failpoint("storage.renaming");
    return renameat(root->temp_fd, temp->name, folder, leaf);
}

/*
 * Gives a temp file its name in an open folder and syncs that. Where the last sync fails, a name that was not
 * there before is taken back; one that was may belong to a row, so it stays.
 */
static int name_temp(struct storage_root *root, struct storage_temp *temp, int folder, const char *leaf,
                     struct err *err)
{
    bool is_new = name_new(root, temp, folder, leaf);
    if (!is_new && name_over(root, temp, folder, leaf) != 0) {
        return refuse(err, errno, "a file can not be named");
    }
    failpoint("storage.named");
    if (fsync(folder) != 0) {
        refuse(err, errno, "a folder can not be synced");
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
    failpoint("storage.synced");
    folder = storage_root_make_folder(root, name);
    if (folder < 0) {
        refuse(err, -folder, "a folder can not be made");
        goto out;
    }
    status = name_temp(root, temp, folder, storage_root_leaf(name), err);
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
