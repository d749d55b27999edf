// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/storage/home.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

static void an_upload_is_seen_under_its_name_and_not_before(void **state)
{
    struct home *home = *state;
    struct storage_upload *upload = begin(home);
    assert_int_equal(write_bytes(home, upload, "hello ", 6), ERR_NONE);
    assert_int_equal(write_bytes(home, upload, "world", 5), ERR_NONE);
    assert_false(exists(home, name));
    struct answer answer = {0};
    storage_commit(upload, name, on_done, &answer);
    assert_int_equal(result(home, &answer), ERR_NONE);
    assert_file(home, name, "hello world", 11);
    assert_int_equal(temp_files(home), 0);
    char path[512];
    struct stat info;
    assert_int_equal(stat(path_of(home, name, path), &info), 0);
    assert_int_equal(info.st_mode & 07137, 0);
    assert_int_equal(stat(path_of(home, "products/2026", path), &info), 0);
    assert_int_equal(info.st_mode & 07027, 0);
}

static void an_aborted_upload_leaves_nothing(void **state)
{
    struct home *home = *state;
    struct storage_upload *upload = begin(home);
    assert_int_equal(write_bytes(home, upload, "x", 1), ERR_NONE);
    storage_abort(upload);
    loop_run(home->loop);
    assert_int_equal(temp_files(home), 0);
}

static void an_abort_waits_for_the_write(void **state)
{
    struct home *home = *state;
    struct storage_upload *upload = begin(home);
    size_t length = 8 << 20;
    char *bytes = calloc(1, length);
    struct answer answer = {0};
    storage_write(upload, bytes, length, on_done, &answer);
    storage_abort(upload);
    assert_int_equal(result(home, &answer), ERR_NONE);
    free(bytes);
    assert_int_equal(temp_files(home), 0);
}

static void abort_on_written(void *owner, const struct err *err)
{
    (void)err;
    struct storage_upload **upload = owner;
    storage_abort(*upload);
    *upload = NULL;
}

static void an_abort_in_the_answer_of_a_write_works(void **state)
{
    struct home *home = *state;
    struct storage_upload *upload = begin(home);
    storage_write(upload, "x", 1, abort_on_written, &upload);
    loop_run(home->loop);
    assert_null(upload);
    assert_int_equal(temp_files(home), 0);
}

static void closing_waits_for_an_abort(void **state)
{
    struct home *home = *state;
    struct err err;
    storage_abort(begin(home));
    storage_close(home->storage);
    loop_run(home->loop);
    home->storage = storage_disk_open(home->loop, home->dir, &err);
    assert_non_null(home->storage);
    assert_int_equal(temp_files(home), 0);
}

enum { TOO_MUCH = 1 << 20 };

/* a file in memory, made before there is no room */
static int too_much(void)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, TOO_MUCH), 0);
    return fd;
}

/* Writes and puts more than there is room for, which fails with `code`; nothing may be kept. Closes fd. */
static void assert_no_room(struct home *home, int fd, enum err_code code)
{
    char *bytes = calloc(1, TOO_MUCH);
    struct storage_upload *upload = begin(home);
    assert_int_equal(write_bytes(home, upload, bytes, TOO_MUCH), code);
    storage_abort(upload);
    loop_run(home->loop);
    assert_int_equal(put_fd(home, name, fd, TOO_MUCH), code);
    close(fd);
    free(bytes);
    assert_false(exists(home, name));
    assert_int_equal(temp_files(home), 0);
}

static void a_file_that_may_not_grow_keeps_nothing(void **state)
{
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 65536, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    int fd = too_much();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_no_room(*state, fd, ERR_STORAGE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

static void a_full_file_system_keeps_nothing(void **state)
{
    struct home *home = *state;
    struct err err;
    char path[512];
    /* in a mount namespace of its own, so that nothing stays mounted whatever happens */
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        print_message("no mount namespace for this user; the limit of a file's size stands in\n");
        skip();
    }
    assert_int_equal(mkdir(path_of(home, "small", path), 0700), 0);
    assert_int_equal(mount("none", path, "tmpfs", 0, "size=256k"), 0);
    struct home small = {.loop = home->loop};
    snprintf(small.dir, sizeof small.dir, "%.40s/small", home->dir);
    small.storage = storage_disk_open(home->loop, small.dir, &err);
    assert_non_null(small.storage);
    assert_no_room(&small, too_much(), ERR_STORAGE_FULL);
    struct answer answer = {0};
    storage_check(small.storage, on_done, &answer);
    assert_int_equal(result(&small, &answer), ERR_NONE);
    storage_close(small.storage);
    assert_int_equal(umount(path), 0);
}

static void the_check_writes_for_real(void **state)
{
    struct home *home = *state;
    struct answer good = {0};
    storage_check(home->storage, on_done, &good);
    assert_int_equal(result(home, &good), ERR_NONE);
    assert_int_equal(temp_files(home), 0);
    char path[512];
    struct answer bad = {0};
    assert_int_equal(rmdir(path_of(home, ".tmp", path)), 0);
    storage_check(home->storage, on_done, &bad);
    assert_int_equal(result(home, &bad), ERR_STORAGE);
}

static void opening_makes_the_folder_and_drops_stale_temp_files(void **state)
{
    struct home *home = *state;
    struct err err;
    char path[512];
    storage_close(home->storage);
    struct timespec old[2] = {{.tv_sec = time(NULL) - 4000}, {.tv_sec = time(NULL) - 4000}};
    close(open(path_of(home, ".tmp/fresh", path), O_CREAT | O_WRONLY, 0600));
    close(open(path_of(home, ".tmp/stale", path), O_CREAT | O_WRONLY, 0600));
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    home->storage = storage_disk_open(home->loop, home->dir, &err);
    assert_non_null(home->storage);
    assert_true(exists(home, ".tmp/fresh"));
    assert_false(exists(home, ".tmp/stale"));

    struct storage *deep = storage_disk_open(home->loop, path_of(home, "x/y/z", path), &err);
    assert_non_null(deep);
    storage_close(deep);
    assert_true(exists(home, "x/y/z/.tmp"));
}

static void a_folder_that_can_not_be_is_refused(void **state)
{
    struct home *home = *state;
    struct err err = {0};
    char path[512];
    assert_int_equal(put(home, "file", "x", 1), ERR_NONE);
    assert_null(storage_disk_open(home->loop, path_of(home, "file/media", path), &err));
    assert_int_equal(err.code, ERR_STORAGE);
    assert_non_null(strstr(err.sentence, "file/media"));
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(an_upload_is_seen_under_its_name_and_not_before),
        CASE(an_aborted_upload_leaves_nothing),
        CASE(an_abort_waits_for_the_write),
        CASE(an_abort_in_the_answer_of_a_write_works),
        CASE(closing_waits_for_an_abort),
        CASE(a_file_that_may_not_grow_keeps_nothing),
        CASE(the_check_writes_for_real),
        CASE(opening_makes_the_folder_and_drops_stale_temp_files),
        CASE(a_folder_that_can_not_be_is_refused),
        /* last, since it leaves the process in a mount namespace of its own */
        CASE(a_full_file_system_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
