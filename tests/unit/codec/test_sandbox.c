// SPDX-License-Identifier: Apache-2.0
/*
 * The sandbox can not be left, so each test enters it in a child of its own, whose exit code tells how it went.
 */
#include "worker/codec/sandbox.h"
#include "worker/codec/library.h"
#include "worker/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vips/vips.h>

enum { MEMORY_BYTES = 1 << 30, IS_GOOD = 0, IS_BAD = 1 };

/* Runs a function in a child and returns what it returned, or -1 where it ended by a signal. */
static int in_child(int (*run)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        _exit(run());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int enter(void)
{
    bool has_landlock = false;
    return sandbox_begin(MEMORY_BYTES, &has_landlock, NULL) == 0 && sandbox_close(NULL) == 0 ? 0 : -1;
}

static int run_proof_inside(void)
{
    return enter() == 0 && sandbox_prove(NULL) == 0 ? IS_GOOD : IS_BAD;
}

static int run_proof_outside(void)
{
    struct err err;
    return sandbox_prove(&err) != 0 && strstr(err.sentence, "open a file") != NULL ? IS_GOOD : IS_BAD;
}

/* Files are closed by Landlock alone too, the rest is not: the proof must notice. */
static int run_proof_with_half_a_cage(void)
{
    bool has_landlock = false;
    struct err err;
    if (sandbox_begin(MEMORY_BYTES, &has_landlock, NULL) != 0) {
        return IS_BAD;
    }
    int rc = sandbox_prove(&err);
    const char *breach = has_landlock ? "make a socket" : "open a file";
    return rc != 0 && strstr(err.sentence, breach) != NULL ? IS_GOOD : IS_BAD;
}

static bool is_denied(long rc)
{
    return rc == -1 && errno == EPERM;
}

static int run_denied_calls(void)
{
    int ends[2] = {-1, -1};
    if (enter() != 0) {
        return IS_BAD;
    }
    bool is_caged =
        is_denied(syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY)) &&
        is_denied(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends)) && is_denied(syscall(SYS_fork)) &&
        is_denied(syscall(SYS_vfork)) && is_denied(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) &&
        is_denied(syscall(SYS_ptrace, 0, 0, 0, 0)) && is_denied(syscall(SYS_kill, 1, 0)) &&
        is_denied(syscall(SYS_kill, getpid(), SIGKILL)) &&
        is_denied(syscall(SYS_tgkill, getpid() + 1, 1, SIGKILL)) && is_denied(syscall(SYS_dup, 2)) &&
        is_denied(syscall(SYS_pipe2, ends, 0)) && is_denied(syscall(SYS_memfd_create, "x", 0)) &&
        is_denied(syscall(SYS_ioctl, 2, 0x5401, ends)) && is_denied(syscall(SYS_prctl, PR_SET_NAME, "x")) &&
        is_denied(syscall(SYS_setuid, 0)) && is_denied(syscall(SYS_io_uring_setup, 1, NULL)) &&
        is_denied(syscall(SYS_bpf, 0, NULL, 0)) && is_denied(syscall(SYS_unshare, 0)) &&
        is_denied(syscall(SYS_sendto, 2, "x", 1, 0, NULL, 0)) &&
        is_denied(syscall(SYS_recvmsg, 2, NULL, 0)) &&
        is_denied(syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0));
    bool has_no_clone3 = syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS;
    return is_caged && has_no_clone3 ? IS_GOOD : IS_BAD;
}

static int run_no_code_is_made(void)
{
    if (enter() != 0) {
        return IS_BAD;
    }
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return IS_BAD;
    }
    return is_denied(mprotect(page, 4096, PROT_READ | PROT_EXEC)) && mprotect(page, 4096, PROT_READ) == 0
               ? IS_GOOD
               : IS_BAD;
}

static void *on_thread(void *owner)
{
    bool *is_denied_there = owner;
    *is_denied_there = is_denied(syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY));
    return NULL;
}

static int run_threads(void)
{
    pthread_t thread;
    bool is_denied_there = false;
    if (enter() != 0 || pthread_create(&thread, NULL, on_thread, &is_denied_there) != 0) {
        return IS_BAD;
    }
    return pthread_join(thread, NULL) == 0 && is_denied_there ? IS_GOOD : IS_BAD;
}

struct late_thread {
    int gate[2];
    bool is_denied_there;
};

static void *on_late_thread(void *owner)
{
    struct late_thread *late = owner;
    char byte;
    late->is_denied_there =
        read(late->gate[0], &byte, 1) == 1 && is_denied(syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY));
    return NULL;
}

/* A thread that libraries started before the filter came is caged as well. */
static int run_earlier_threads(void)
{
    struct late_thread late = {.is_denied_there = false};
    pthread_t thread;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || pipe2(late.gate, O_CLOEXEC) != 0 ||
        pthread_create(&thread, NULL, on_late_thread, &late) != 0 || sandbox_close(NULL) != 0 ||
        write(late.gate[1], "x", 1) != 1) {
        return IS_BAD;
    }
    return pthread_join(thread, NULL) == 0 && late.is_denied_there ? IS_GOOD : IS_BAD;
}

static int run_library_proof(void)
{
    if (library_start(NULL) != 0 || library_prove(NULL) != 0) {
        return IS_BAD;
    }
    vips_operation_block_set("VipsForeignLoadTiff", FALSE);
    struct err err;
    return library_prove(&err) != 0 && strstr(err.sentence, "Tiff") != NULL ? IS_GOOD : IS_BAD;
}

/* Runs pixmill-codec under a filter that makes a call fail as on a kernel without it; nobody is at the socket's other end. */
static int run_codec_without(int call, int prctl_option)
{
    int ends[2];
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL || seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0) != 0 ||
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
                         SCMP_CMP(0, SCMP_CMP_EQ, (scmp_datum_t)prctl_option, 0)) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 ||
        dup2(ends[1], WIRE_SOCKET_FD) != WIRE_SOCKET_FD || fcntl(WIRE_SOCKET_FD, F_SETFD, 0) != 0 ||
        seccomp_load(filter) != 0) {
        return IS_BAD;
    }
    execl(PIXMILL_BIN_DIR "/pixmill-codec", "pixmill-codec", "--memory-bytes", "1073741824", NULL);
    return IS_BAD;
}

static int run_codec_without_seccomp(void)
{
    return run_codec_without(SCMP_SYS(seccomp), PR_SET_SECCOMP);
}

static int run_codec_without_landlock(void)
{
    return run_codec_without(SCMP_SYS(landlock_create_ruleset), -1);
}

static void the_cage_is_proved(void **state)
{
    (void)state;
    assert_int_equal(in_child(run_proof_inside), IS_GOOD);
    assert_int_equal(in_child(run_proof_outside), IS_GOOD);
    assert_int_equal(in_child(run_proof_with_half_a_cage), IS_GOOD);
}

static void calls_are_denied(void **state)
{
    (void)state;
    assert_int_equal(in_child(run_denied_calls), IS_GOOD);
    assert_int_equal(in_child(run_no_code_is_made), IS_GOOD);
}

static void threads_are_in_the_cage(void **state)
{
    (void)state;
    assert_int_equal(in_child(run_threads), IS_GOOD);
    assert_int_equal(in_child(run_earlier_threads), IS_GOOD);
}

static void an_open_loader_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(in_child(run_library_proof), IS_GOOD);
}

/* A codec that stands finds nobody to say READY to; one that does not, does not come so far. */
static void kernels_without_a_part(void **state)
{
    (void)state;
    assert_int_equal(in_child(run_codec_without_seccomp), WIRE_EXIT_CAGE);
    assert_int_equal(in_child(run_codec_without_landlock), WIRE_EXIT_WIRE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cage_is_proved),      cmocka_unit_test(calls_are_denied),
        cmocka_unit_test(threads_are_in_the_cage), cmocka_unit_test(an_open_loader_is_noticed),
        cmocka_unit_test(kernels_without_a_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
