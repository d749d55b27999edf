// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/storage/home.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void unsafe_names_are_refused_and_nothing_is_kept(void **state)
{
    static const char *const names[] = {"",      "/etc/x", "a/../../x", "..",     ".",      "a//b", "a/",
                                        "a/./b", ".tmp/x", ".hidden",   "a/.b/c", "a\\b c", "a\nb"};
    struct home *home = *state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct storage_upload *upload = begin(home);
        struct answer answer = {0};
        struct storage_file file = {.fd = -7};
        storage_commit(upload, names[i], on_done, &answer);
        assert_int_equal(result(home, &answer), ERR_INTERNAL);
        assert_int_equal(put(home, names[i], "x", 1), ERR_INTERNAL);
        assert_int_equal(get(home, names[i], &file), ERR_SOURCE_MISSING);
        assert_int_equal(file.fd, -7);
        assert_int_equal(drop(home, names[i]), ERR_INTERNAL);
    }
    char longer[1024];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(put(home, longer, "x", 1), ERR_INTERNAL);
    assert_int_equal(temp_files(home), 0);
    assert_false(exists(home, "a"));
}

static void a_put_file_can_be_got(void **state)
{
    struct home *home = *state;
    size_t length = 3 << 20;
    char *bytes = malloc(length);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (char)(i * 31 >> 7);
    }
    assert_int_equal(put(home, name, bytes, length), ERR_NONE);
    assert_file(home, name, bytes, length);
    struct storage_file file = {.fd = -1};
    assert_int_equal(get(home, name, &file), ERR_NONE);
    assert_int_equal(file.bytes, length);
    assert_true(file.changed_us > INT64_C(1600000000) * 1000000);
    char first = 'x';
    assert_int_equal(read(file.fd, &first, 1), 1);
    assert_int_equal(first, bytes[0]);
    close(file.fd);
    free(bytes);
    assert_int_equal(temp_files(home), 0);
}

static void a_put_again_replaces(void **state)
{
    struct home *home = *state;
    assert_int_equal(put(home, name, "first", 5), ERR_NONE);
    assert_int_equal(put(home, name, "second", 6), ERR_NONE);
    assert_file(home, name, "second", 6);
    assert_int_equal(temp_files(home), 0);
}

static void a_put_of_less_than_told_keeps_nothing(void **state)
{
    struct home *home = *state;
    struct answer answer = {0};
    int fd = memfd_of("short", 5);
    storage_put(home->storage, name, fd, 6, on_done, &answer);
    assert_int_equal(result(home, &answer), ERR_INTERNAL);
    close(fd);
    assert_false(exists(home, name));
    assert_int_equal(temp_files(home), 0);
}

static void many_puts_into_new_folders_at_once(void **state)
{
    struct home *home = *state;
    enum { FILES = 48 };
    struct answer answers[FILES] = {0};
    char names[FILES][64];
    int fd = memfd_of("many", 4);
    for (int i = 0; i < FILES; i++) {
        snprintf(names[i], sizeof names[i], "a/%d/b/%d.webp", i % 3, i);
        storage_put(home->storage, names[i], fd, 4, on_done, &answers[i]);
    }
    loop_run(home->loop);
    for (int i = 0; i < FILES; i++) {
        assert_int_equal(answers[i].count, 1);
        assert_int_equal(answers[i].code, ERR_NONE);
        assert_file(home, names[i], "many", 4);
    }
    close(fd);
    assert_int_equal(temp_files(home), 0);
}

static void a_folder_that_an_operator_removed_is_made_again(void **state)
{
    struct home *home = *state;
    char path[512];
    assert_int_equal(put(home, "a/b/c", "x", 1), ERR_NONE);
    assert_int_equal(nftw(path_of(home, "a", path), remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(put(home, "a/b/c", "y", 1), ERR_NONE);
    assert_file(home, "a/b/c", "y", 1);
}

/* what get must not serve: a missing file, a folder, links to a file and to a folder, a pipe */
static void assert_only_plain_files_are_got(struct home *home)
{
    char path[512];
    struct storage_file file = {.fd = -1};
    assert_int_equal(put(home, "real/file", "x", 1), ERR_NONE);
    assert_int_equal(symlink("file", path_of(home, "real/link", path)), 0);
    assert_int_equal(symlink("/etc/passwd", path_of(home, "real/far", path)), 0);
    assert_int_equal(symlink("real", path_of(home, "other", path)), 0);
    assert_int_equal(mkfifo(path_of(home, "real/pipe", path), 0600), 0);
    assert_int_equal(get(home, "real/file", &file), ERR_NONE);
    close(file.fd);
    static const char *const names[] = {"real/none", "none/file", "real",       "real/file/x",
                                        "real/link", "real/far",  "other/file", "real/pipe"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(get(home, names[i], &file), ERR_SOURCE_MISSING);
    }
    assert_int_equal(put(home, "other/new", "x", 1), ERR_STORAGE);
    assert_false(exists(home, "real/new"));
    assert_int_equal(temp_files(home), 0);
}

static void only_plain_files_are_got(void **state)
{
    assert_only_plain_files_are_got(*state);
}

/* An old kernel, or a container whose filter knows no openat2: the call is forbidden to a child, which does it all again. */
static void only_plain_files_are_got_without_openat2(void **state)
{
    (void)state;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ||
            syscall(SYS_openat2, -1, "", NULL, 0) != -1 || errno != EPERM) {
            _exit(2);
        }
        void *own = NULL;
        start(&own);
        assert_only_plain_files_are_got(own);
        stop(&own);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void removing_is_for_files_and_may_be_repeated(void **state)
{
    struct home *home = *state;
    assert_int_equal(put(home, "a/b/c", "x", 1), ERR_NONE);
    assert_int_equal(drop(home, "a/b"), ERR_STORAGE);
    assert_file(home, "a/b/c", "x", 1);
    assert_int_equal(drop(home, "a/b/c"), ERR_NONE);
    assert_false(exists(home, "a/b/c"));
    assert_true(exists(home, "a/b"));
    assert_int_equal(drop(home, "a/b/c"), ERR_NONE);
    assert_int_equal(drop(home, "no/such/folder"), ERR_NONE);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(unsafe_names_are_refused_and_nothing_is_kept),
        CASE(a_put_file_can_be_got),
        CASE(a_put_again_replaces),
        CASE(a_put_of_less_than_told_keeps_nothing),
        CASE(many_puts_into_new_folders_at_once),
        CASE(a_folder_that_an_operator_removed_is_made_again),
        CASE(only_plain_files_are_got),
        cmocka_unit_test(only_plain_files_are_got_without_openat2),
        CASE(removing_is_for_files_and_may_be_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
