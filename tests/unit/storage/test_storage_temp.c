// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/storage/home.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { CHILD_FAULT = 2 };

static void assert_child_is_well(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_process_that_dies_in_an_upload_leaves_nothing(void **state)
{
    struct home *home = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct home own = *home;
        struct err err;
        own.loop = loop_new(&err);
        own.storage = storage_disk_open(own.loop, own.dir, &err);
        struct storage_upload *upload = own.storage == NULL ? NULL : begin(&own);
        _exit(upload != NULL && write_bytes(&own, upload, "half", 4) == ERR_NONE ? 0 : CHILD_FAULT);
    }
    assert_child_is_well(child);
    assert_int_equal(temp_files(home), 0);
}

/* Forbids this process to make unnamed files, as a file system without them does. */
static bool forbid_unnamed_files(void)
{
    enum {
        FLAGS = offsetof(struct seccomp_data, args) + 2 * sizeof(uint64_t),
        UNNAMED = O_TMPFILE & ~O_DIRECTORY
    };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FLAGS),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, UNNAMED, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
           open("/tmp", O_TMPFILE | O_WRONLY, 0600) == -1 && errno == EOPNOTSUPP;
}

static void a_file_system_without_unnamed_files_will_do(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!forbid_unnamed_files()) {
            _exit(CHILD_FAULT);
        }
        void *own = NULL;
        start(&own);
        struct storage_upload *upload = begin(own);
        assert_int_equal(write_bytes(own, upload, "half", 4), ERR_NONE);
        assert_int_equal(temp_files(own), 1);
        storage_abort(upload);
        assert_int_equal(put(own, name, "first", 5), ERR_NONE);
        assert_int_equal(put(own, name, "second", 6), ERR_NONE);
        assert_file(own, name, "second", 6);
        assert_int_equal(temp_files(own), 0);
        stop(&own);
        _exit(0);
    }
    assert_child_is_well(child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_process_that_dies_in_an_upload_leaves_nothing, start, stop),
        cmocka_unit_test(a_file_system_without_unnamed_files_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
