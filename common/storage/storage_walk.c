// SPDX-License-Identifier: Apache-2.0
/*
 * A folder's entries are sorted as they stand in whole names: a folder "a" as "a/", so that "a-b" and "a.b" come before all that is in it
 * ("-" < "." < "/"), and "a0" after. With that, a walk in depth gives names in the order of their bytes, and any name, also of a
 * file that is gone, tells where to go on.
 *
 * A folder is read as often as it takes to give a page: each reading keeps the first few keys after the last one that was dealt
 * with. So a folder of any size costs a page of memory, and what came meanwhile behind that key is seen.
 */
#include "common/storage/storage_walk.h"

#include "common/base/alloc.h"
#include "common/base/text.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FOLDER = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, MICROSECONDS = 1000000 };

struct key {
    char text[IMAGE_NAME_BYTES]; /* as in the name; a folder's ends in "/" */
};

struct walk {
    size_t limit;
    struct storage_found *out;
    size_t count;
    struct err *err;
};

/* A folder that is being walked. */
struct level {
    DIR *folder;
    const char *path; /* "" or "a/b/" */
    struct key bound; /* what is to come is behind this */
    bool may_enter;   /* the bound lies inside of a folder of this one, which has not had its turn */
    struct key *keys; /* the first after the bound, sorted; room for twice `most` */
    size_t most;
    size_t count;
    bool is_cut; /* there are more */
};

static bool is_folder(const struct key *key)
{
    return key->text[strlen(key->text) - 1] == '/';
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct key *)a)->text, ((const struct key *)b)->text);
}

static void cut(struct level *level)
{
    qsort(level->keys, level->count, sizeof *level->keys, compare_keys);
    if (level->count > level->most) {
        level->count = level->most;
        level->is_cut = true;
    }
}

static bool is_behind_bound(const struct level *level, const char *text)
{
    return strcmp(text, level->bound.text) > 0 ||
           (level->may_enter && text[strlen(text) - 1] == '/' && text_starts_with(level->bound.text, text));
}

/* What an entry is, where the folder does not say so. Links are followed by nobody. */
static unsigned char type_of(int folder, const struct dirent *entry)
{
    struct stat info;
    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type;
    }
    if (fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return DT_UNKNOWN;
    }
    return S_ISREG(info.st_mode) ? DT_REG : S_ISDIR(info.st_mode) ? DT_DIR : DT_UNKNOWN;
}

/* Adds an entry to the keys, where it is or may hold stored files behind the bound. */
static void take_entry(struct level *level, const struct dirent *entry)
{
    char whole[2 * IMAGE_NAME_BYTES];
    struct key key;
    int length = snprintf(whole, sizeof whole, "%s%s", level->path, entry->d_name);
    if (length < 0 || (size_t)length >= IMAGE_NAME_BYTES - 1 || !storage_root_takes(whole)) {
        return;
    }
    unsigned char type = type_of(dirfd(level->folder), entry);
    snprintf(key.text, sizeof key.text, "%.*s%s", IMAGE_NAME_BYTES - 2, entry->d_name,
             type == DT_DIR ? "/" : "");
    if ((type == DT_REG || type == DT_DIR) && is_behind_bound(level, key.text)) {
        level->keys[level->count++] = key;
        if (level->count == 2 * level->most) {
            cut(level);
        }
    }
}

/* Reads the folder once. Returns 0 or an errno. */
static int read_keys(struct level *level)
{
    level->count = 0;
    level->is_cut = false;
    rewinddir(level->folder);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(level->folder);
        if (entry == NULL) {
            break;
        }
        take_entry(level, entry);
    }
    int status = errno;
    cut(level);
    return status;
}

static bool is_gone(int errnum)
{
    return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP;
}

static int64_t microseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * MICROSECONDS + time->tv_nsec / 1000;
}

static int give_file(struct walk *walk, const struct level *level, const struct key *key)
{
    struct stat info;
    struct storage_found *found = &walk->out[walk->count];
    if (fstatat(dirfd(level->folder), key->text, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return is_gone(errno) ? 0
                              : err_set_errno(walk->err, ERR_STORAGE, errno, "a stored file can not be seen");
    }
    if (S_ISREG(info.st_mode)) {
        int64_t written_us = microseconds(&info.st_mtim);
        int64_t named_us = microseconds(&info.st_ctim);
        snprintf(found->name, sizeof found->name, "%s%s", level->path, key->text);
        found->bytes = info.st_size;
        found->changed_us = named_us > written_us ? named_us : written_us;
        walk->count++;
    }
    return 0;
}

static int walk_folder(struct walk *walk, int fd, const char *path, const char *after);

static int enter(struct walk *walk, const struct level *level, const struct key *key)
{
    char path[IMAGE_NAME_BYTES];
    char part[IMAGE_NAME_BYTES];
    size_t length = strlen(key->text);
    memcpy(part, key->text, length - 1);
    part[length - 1] = '\0';
    int fd = openat(dirfd(level->folder), part, OPEN_FOLDER);
    if (fd < 0) {
        return is_gone(errno)
                   ? 0
                   : err_set_errno(walk->err, ERR_STORAGE, errno, "a stored folder can not be opened");
    }
    snprintf(path, sizeof path, "%s%s", level->path, key->text);
    bool is_inside = level->may_enter && text_starts_with(level->bound.text, key->text);
    return walk_folder(walk, fd, path, is_inside ? level->bound.text + length : "");
}

static int give_keys(struct walk *walk, struct level *level)
{
    for (size_t i = 0; i < level->count && walk->count < walk->limit; i++) {
        const struct key *key = &level->keys[i];
        if ((is_folder(key) ? enter(walk, level, key) : give_file(walk, level, key)) != 0) {
            return -1;
        }
        level->bound = *key;
        level->may_enter = false;
    }
    return 0;
}

/* Gives what of an open folder, which is closed, comes after `after`, a name from there on. A safe name ends the depth. */
static int walk_folder(struct walk *walk, int fd, const char *path, const char *after)
{
    struct level level = {.path = path, .may_enter = true, .most = walk->limit - walk->count};
    int status = -1;
    level.folder = fdopendir(fd);
    if (level.folder == NULL) {
        err_set_errno(walk->err, ERR_STORAGE, errno, "a stored folder can not be read");
        close(fd);
        return -1;
    }
    level.keys = alloc_zeroed(2 * level.most, sizeof *level.keys);
    snprintf(level.bound.text, sizeof level.bound.text, "%s", after);
    do {
        int errnum = read_keys(&level);
        if (errnum != 0) {
            err_set_errno(walk->err, ERR_STORAGE, errnum, "a stored folder can not be read");
            goto out;
        }
        if (give_keys(walk, &level) != 0) {
            goto out;
        }
    } while (level.is_cut && walk->count < walk->limit);
    status = 0;
out:
    free(level.keys);
    closedir(level.folder);
    return status;
}

int storage_walk(const struct storage_root *root, const char *after, size_t limit, struct storage_found *out,
                 size_t *count, struct err *err)
{
    struct walk walk = {.limit = limit, .out = out, .err = err};
    assert(limit > 0);
    int fd = openat(root->fd, ".", OPEN_FOLDER);
    if (fd < 0) {
        return err_set_errno(err, ERR_STORAGE, errno, "the stored folders can not be opened");
    }
    int status = walk_folder(&walk, fd, "", after);
    if (status == 0) {
        *count = walk.count;
    }
    return status;
}
