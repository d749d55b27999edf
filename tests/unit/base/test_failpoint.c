// SPDX-License-Identifier: Apache-2.0
#include "common/base/err.h"
#include "common/base/failpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifndef PIXMILL_FAILPOINTS

static void a_build_without_failpoints_refuses_them(void **state)
{
    struct err err = {.code = ERR_NONE};
    int errnum = 0;
    (void)state;
    assert_int_equal(failpoint_arm("", &err), 0);
    assert_int_equal(failpoint_arm("upload.begun", &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    failpoint("upload.begun");
    assert_false(failpoint_fails("storage.write", &errnum));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_build_without_failpoints_refuses_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs a body in a process of its own, since a process is armed once, and gives what waitpid tells of it. */
static int run(void (*body)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        body();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* In the child no assertion of cmocka works: it ends with a code of its own. */
static void must(bool is_so)
{
    if (!is_so) {
        _exit(7);
    }
}

static void pass_others(void)
{
    struct err err;
    int errnum = 0;
    must(failpoint_arm("a.first,b.second@2,c.third=EIO:/etc", &err) == 0);
    failpoint("a.firs");
    failpoint("a.first2");
    failpoint("c.third");
    failpoint("b.second");
    must(!failpoint_fails("a.first", &errnum) && errnum == 0);
}

static void pass_first(void)
{
    struct err err;
    must(failpoint_arm("a.first,b.second@2", &err) == 0);
    failpoint("a.first");
}

static void pass_twice(void)
{
    struct err err;
    must(failpoint_arm("a.first,b.second@2", &err) == 0);
    failpoint("b.second");
    failpoint("b.second");
}

static void fail_while_a_file_is_there(void)
{
    struct err err;
    int errnum = 0;
    char spec[128];
    char path[] = "/tmp/pixmill-failpoint-XXXXXX";
    int fd = mkstemp(path);
    must(fd >= 0);
    snprintf(spec, sizeof spec, "storage.write=ENOSPC:%s,storage.put=EROFS:%s", path, path);
    must(failpoint_arm(spec, &err) == 0);
    bool is_full = failpoint_fails("storage.write", &errnum) && errnum == ENOSPC;
    bool is_read_only = failpoint_fails("storage.put", &errnum) && errnum == EROFS;
    bool is_other_well = !failpoint_fails("storage.get", &errnum);
    close(fd);
    unlink(path);
    must(is_full && is_read_only && is_other_well);
    must(!failpoint_fails("storage.write", &errnum));
}

static void hang_while_a_file_is_there(void)
{
    struct err err;
    int errnum = 0;
    char spec[128];
    char path[] = "/tmp/pixmill-failpoint-XXXXXX";
    int fd = mkstemp(path);
    must(fd >= 0);
    close(fd);
    snprintf(spec, sizeof spec, "storage.write=HANG:%s", path);
    must(failpoint_arm(spec, &err) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        /* goes on only when the file is gone */
        bool fails = failpoint_fails("storage.write", &errnum);
        _exit(fails || access(path, F_OK) == 0);
    }
    must(!failpoint_fails("storage.read", &errnum));
    must(waitpid(pid, NULL, WNOHANG) == 0);
    unlink(path);
    int status = -1;
    must(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_point_that_is_armed_is_a_death_by_sigkill(void **state)
{
    (void)state;
    int status = run(pass_first);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    status = run(pass_twice);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void other_points_and_earlier_passes_do_nothing(void **state)
{
    (void)state;
    assert_int_equal(run(pass_others), 0);
}

static void a_call_fails_while_the_file_is_there(void **state)
{
    (void)state;
    assert_int_equal(run(fail_while_a_file_is_there), 0);
}

static void a_call_hangs_while_the_file_is_there(void **state)
{
    (void)state;
    assert_int_equal(run(hang_while_a_file_is_there), 0);
}

static void what_can_not_be_read_is_refused(void **state)
{
    static const char *const specs[] = {
        ",",
        "A",
        "a-b",
        "a@",
        "a@0",
        "a@x",
        "a=",
        "a=EIO",
        "a=EIO:",
        "a=EIO:x",
        "a=EWHAT:/tmp",
        "a,,b",
        "a=EIO:/x,@",
        "=EIO:/x",
        "a=EI:/x",
        "a=EIOX:/x",
        "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
        "a23456789.123456789.123456789.123456789.12345678",
    };
    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct err err = {.code = ERR_NONE};
            _exit(failpoint_arm(specs[i], &err) == -1 && err.code == ERR_CONFIG ? 0 : 7);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status != 0) {
            fail_msg("\"%s\" was taken", specs[i]);
        }
    }
}

static void nothing_is_armed_by_nothing(void **state)
{
    struct err err;
    (void)state;
    assert_int_equal(failpoint_arm("", &err), 0);
    failpoint("a.first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_that_is_armed_is_a_death_by_sigkill),
        cmocka_unit_test(other_points_and_earlier_passes_do_nothing),
        cmocka_unit_test(a_call_fails_while_the_file_is_there),
        cmocka_unit_test(a_call_hangs_while_the_file_is_there),
        cmocka_unit_test(what_can_not_be_read_is_refused),
        cmocka_unit_test(nothing_is_armed_by_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
