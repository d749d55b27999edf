// SPDX-License-Identifier: Apache-2.0
#include "common/storage/storage_root.h"

#include "common/base/text.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FOLDER_MODE = 0750, STALE_SECONDS = 3600, MICROSECONDS = 1000000 };
enum { OPEN_FOLDER = O_RDONLY | O_DIRECTORY | O_CLOEXEC, OPEN_FILE = O_RDONLY | O_CLOEXEC | O_NONBLOCK };

/* Makes a folder with its parents, for an operator's path: links in it are his own business. */
static int make_path(const char *dir)
{
    char path[4096];
    if (text_copy(path, sizeof path, dir) != 0) {
        return -ENAMETOOLONG;
    }
    for (char *slash = path + 1; *path != '\0' && (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST) {
            return -errno;
        }
        *slash = '/';
    }
    return mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST ? -errno : 0;
}

int storage_root_open(struct storage_root *root, const char *dir, struct err *err)
{
    *root = (struct storage_root){.fd = -1, .temp_fd = -1};
    int status = make_path(dir);
    if (status != 0) {
        return err_set_errno(err, ERR_STORAGE, -status, "the folder %s can not be made", dir);
    }
    root->fd = open(dir, OPEN_FOLDER);
    if (root->fd < 0) {
        return err_set_errno(err, ERR_STORAGE, errno, "the folder %s can not be opened", dir);
    }
    if (mkdirat(root->fd, ".tmp", FOLDER_MODE) == 0 || errno == EEXIST) {
        root->temp_fd = openat(root->fd, ".tmp", OPEN_FOLDER | O_NOFOLLOW);
    }
    if (root->temp_fd < 0) {
        err_set_errno(err, ERR_STORAGE, errno, "the folder %s/.tmp can not be made or opened", dir);
        close(root->fd);
        return -1;
    }
    status = uv_mutex_init(&root->lock);
    assert(status == 0);
    return 0;
}

void storage_root_release(struct storage_root *root)
{
    close(root->temp_fd);
    close(root->fd);
    uv_mutex_destroy(&root->lock);
}

bool storage_root_takes(const char *name)
{
    return image_name_is_safe(name) && name[0] != '.' && strstr(name, "/.") == NULL;
}

const char *storage_root_leaf(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

/* The kernel's own walk: one call. -EAGAIN where it can't be used here. */
static int open_beneath(int fd, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    long opened = syscall(SYS_openat2, fd, path, &how, sizeof how);
    if (opened >= 0) {
        return (int)opened;
    }
    /* no such call in an old kernel; refused by a container's filter; or it raced with a rename */
    bool is_usable = errno != ENOSYS && errno != EPERM && errno != EINVAL && errno != EAGAIN;
    return is_usable ? -errno : -EAGAIN;
}

/* One step of our own walk; closes fd. */
static int step_into(int fd, const char *part, bool may_make)
{
    int next = -1;
    /* the parent is synced also where somebody else made the folder: he may not have done it yet */
    if (!may_make || ((mkdirat(fd, part, FOLDER_MODE) == 0 || errno == EEXIST) && fsync(fd) == 0)) {
        next = openat(fd, part, OPEN_FOLDER | O_NOFOLLOW);
    }
    int status = next < 0 ? -errno : next;
    close(fd);
    return status;
}

/* Walks the folders of a path part by part, from the root. */
static int walk(struct storage_root *root, const char *folder, bool may_make)
{
    char path[IMAGE_NAME_BYTES];
    if (text_copy(path, sizeof path, folder) != 0) {
        return -ENAMETOOLONG;
    }
    int fd = fcntl(root->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    for (char *part = path; fd >= 0 && *part != '\0';) {
        char *slash = strchr(part, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        fd = step_into(fd, part, may_make);
        part = slash != NULL ? slash + 1 : part + strlen(part);
    }
    return fd;
}

static void folder_of(const char *name, char folder[IMAGE_NAME_BYTES])
{
    assert(storage_root_takes(name));
    size_t length = (size_t)(storage_root_leaf(name) - name);
    length -= length > 0;
    memcpy(folder, name, length);
    folder[length] = '\0';
}

int storage_root_open_folder(struct storage_root *root, const char *name)
{
    char folder[IMAGE_NAME_BYTES];
    folder_of(name, folder);
    int fd = open_beneath(root->fd, folder[0] == '\0' ? "." : folder, OPEN_FOLDER);
    return fd == -EAGAIN ? walk(root, folder, false) : fd;
}

int storage_root_open_file(struct storage_root *root, const char *name)
{
    int opened = open_beneath(root->fd, name, OPEN_FILE);
    if (opened != -EAGAIN) {
        return opened;
    }
    int folder = storage_root_open_folder(root, name);
    if (folder < 0) {
        return folder;
    }
    int fd = openat(folder, storage_root_leaf(name), OPEN_FILE | O_NOFOLLOW);
    if (fd < 0) {
        fd = -errno;
    }
    close(folder);
    return fd;
}

static bool is_known(struct storage_root *root, const char *folder)
{
    bool found = false;
    uv_mutex_lock(&root->lock);
    for (size_t i = 0; i < STORAGE_KNOWN_FOLDERS && !found; i++) {
        found = strcmp(root->known[i], folder) == 0;
    }
    uv_mutex_unlock(&root->lock);
    return found;
}

static void remember(struct storage_root *root, const char *folder)
{
    uv_mutex_lock(&root->lock);
    int status = text_copy(root->known[root->next_known], IMAGE_NAME_BYTES, folder);
    assert(status == 0);
    root->next_known = (root->next_known + 1) % STORAGE_KNOWN_FOLDERS;
    uv_mutex_unlock(&root->lock);
}

int storage_root_make_folder(struct storage_root *root, const char *name)
{
    char folder[IMAGE_NAME_BYTES];
    folder_of(name, folder);
    if (is_known(root, folder)) {
        int fd = storage_root_open_folder(root, name);
        if (fd != -ENOENT) {
            return fd;
        }
    }
    int fd = walk(root, folder, true);
    if (fd >= 0) {
        remember(root, folder);
    }
    return fd;
}

int storage_root_sweep(struct storage_root *root, int64_t now_us, struct err *err)
{
    int fd = openat(root->temp_fd, ".", OPEN_FOLDER);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        err_set_errno(err, ERR_STORAGE, errno, "the folder of temp files can not be read");
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    time_t now = (time_t)(now_us / MICROSECONDS);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct stat info;
        if (fstatat(root->temp_fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
            info.st_mtime < now - STALE_SECONDS) {
            unlinkat(root->temp_fd, entry->d_name, 0);
        }
    }
    closedir(folder);
    return 0;
}
