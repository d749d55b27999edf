// SPDX-License-Identifier: Apache-2.0
/*
 * What the tests of storage share: a loop, a storage in a folder of its own, and each verb as one blocking call.
 */
#ifndef PIXMILL_TESTS_STORAGE_HOME_H
#define PIXMILL_TESTS_STORAGE_HOME_H

#include "common/storage/storage.h"

#include "common/net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name[] = "products/2026/01/31/9b2f1c0e-6d3a-4c1b-8e57-0a1b2c3d4e5f.jpg";

struct home {
    char dir[64];
    struct loop *loop;
    struct storage *storage;
};

struct answer {
    int count;
    enum err_code code;
};

static inline void on_done(void *owner, const struct err *err)
{
    struct answer *answer = owner;
    answer->count++;
    answer->code = err == NULL ? ERR_NONE : err->code;
}

/* Runs the loop until nothing is left; the call must have answered once. Returns what it said. */
static inline enum err_code result(struct home *home, struct answer *answer)
{
    assert_int_equal(answer->count, 0);
    loop_run(home->loop);
    assert_int_equal(answer->count, 1);
    return answer->code;
}

static inline int start(void **state)
{
    struct home *home = calloc(1, sizeof *home);
    struct err err;
    snprintf(home->dir, sizeof home->dir, "/tmp/pixmill-unit-XXXXXX");
    assert_non_null(mkdtemp(home->dir));
    home->loop = loop_new(&err);
    assert_non_null(home->loop);
    home->storage = storage_disk_open(home->loop, home->dir, &err);
    assert_non_null(home->storage);
    *state = home;
    return 0;
}

static inline int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline int stop(void **state)
{
    struct home *home = *state;
    storage_close(home->storage);
    loop_run(home->loop);
    loop_free(home->loop);
    nftw(home->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(home);
    return 0;
}

static inline const char *path_of(struct home *home, const char *file, char path[512])
{
    snprintf(path, 512, "%s/%s", home->dir, file);
    return path;
}

static inline bool exists(struct home *home, const char *file)
{
    char path[512];
    struct stat info;
    return lstat(path_of(home, file, path), &info) == 0;
}

static inline size_t temp_files(struct home *home)
{
    char path[512];
    size_t count = 0;
    DIR *folder = opendir(path_of(home, ".tmp", path));
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += entry->d_name[0] != '.';
    }
    closedir(folder);
    return count;
}

static inline void assert_file(struct home *home, const char *file, const void *bytes, size_t length)
{
    char path[512];
    int fd = open(path_of(home, file, path), O_RDONLY);
    assert_true(fd >= 0);
    char *found = malloc(length + 1);
    assert_int_equal(read(fd, found, length + 1), length);
    assert_memory_equal(found, bytes, length);
    free(found);
    close(fd);
}

static inline struct storage_upload *begin(struct home *home)
{
    struct answer answer = {0};
    struct storage_upload *upload = NULL;
    storage_begin(home->storage, &upload, on_done, &answer);
    assert_null(upload);
    assert_int_equal(result(home, &answer), ERR_NONE);
    assert_non_null(upload);
    return upload;
}

static inline enum err_code write_bytes(struct home *home, struct storage_upload *upload, const char *bytes,
                                        size_t length)
{
    struct answer answer = {0};
    storage_write(upload, bytes, length, on_done, &answer);
    return result(home, &answer);
}

static inline int memfd_of(const char *bytes, size_t length)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    return fd;
}

static inline enum err_code put_fd(struct home *home, const char *file, int fd, size_t length)
{
    struct answer answer = {0};
    storage_put(home->storage, file, fd, (int64_t)length, on_done, &answer);
    return result(home, &answer);
}

static inline enum err_code put(struct home *home, const char *file, const char *bytes, size_t length)
{
    int fd = memfd_of(bytes, length);
    enum err_code code = put_fd(home, file, fd, length);
    close(fd);
    return code;
}

static inline enum err_code get(struct home *home, const char *file, struct storage_file *out)
{
    struct answer answer = {0};
    storage_get(home->storage, file, out, on_done, &answer);
    return result(home, &answer);
}

static inline enum err_code drop(struct home *home, const char *file)
{
    struct answer answer = {0};
    storage_remove(home->storage, file, on_done, &answer);
    return result(home, &answer);
}

#endif
