// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/sandbox.h"
#include "worker/wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SHADOW_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_SHADOW_MEMORY 1
#endif
#endif
#ifndef HAS_SHADOW_MEMORY
#define HAS_SHADOW_MEMORY 0
#endif

enum { MOST_DESCRIPTORS = 32 };

static int limit(int resource, rlim_t most, const char *name, struct err *err)
{
    struct rlimit old;
    if (getrlimit((__rlimit_resource_t)resource, &old) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "can not read the limit of %s", name);
    }
    if (old.rlim_max < most) {
        most = old.rlim_max;
    }
    struct rlimit wanted = {.rlim_cur = most, .rlim_max = most};
    if (setrlimit((__rlimit_resource_t)resource, &wanted) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "can not set the limit of %s", name);
    }
    return 0;
}

static int set_limits(int64_t memory_bytes, struct err *err)
{
    if (limit(RLIMIT_CORE, 0, "core files", err) != 0 ||
        limit(RLIMIT_NOFILE, MOST_DESCRIPTORS, "descriptors", err) != 0) {
        return -1;
    }
    return HAS_SHADOW_MEMORY ? 0 : limit(RLIMIT_DATA, (rlim_t)memory_bytes, "memory", err);
}

/* linux/landlock.h of the newest kernel that is known here; older ones take the first members (landlock(7)). */
struct landlock_rules {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

/* What each version of Landlock's interface can deny: every right on files, TCP bind and connect, abstract sockets and signals. */
static const struct {
    struct landlock_rules denied;
    size_t bytes;
} landlock_versions[] = {
    {{0, 0, 0}, 0},       {{0x1fff, 0, 0}, 8}, /* 1 */
    {{0x3fff, 0, 0}, 8},                       /* 2: moves between folders */
    {{0x7fff, 0, 0}, 8},                       /* 3: truncation */
    {{0x7fff, 3, 0}, 16},                      /* 4: TCP */
    {{0xffff, 3, 0}, 16},                      /* 5: ioctl on devices */
    {{0xffff, 3, 3}, 24},                      /* 6: scopes */
};

static int landlock(bool *has_landlock, struct err *err)
{
    enum { MOST_KNOWN = (int)(sizeof landlock_versions / sizeof landlock_versions[0]) - 1, ASK_VERSION = 1 };
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
    *has_landlock = version >= 1;
    if (version < 1) {
        return 0;
    }
    size_t known = version > MOST_KNOWN ? MOST_KNOWN : (size_t)version;
    long rules = syscall(SYS_landlock_create_ruleset, &landlock_versions[known].denied,
                         landlock_versions[known].bytes, 0);
    if (rules < 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "can not make rules of Landlock version %ld", version);
    }
    long rc = syscall(SYS_landlock_restrict_self, (int)rules, 0);
    int errnum = errno;
    close((int)rules);
    return rc == 0 ? 0 : err_set_errno(err, ERR_INTERNAL, errnum, "can not enter the rules of Landlock");
}

int sandbox_begin(int64_t memory_bytes, bool *has_landlock, struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "can not give up new privileges");
    }
    if (set_limits(memory_bytes, err) != 0) {
        return -1;
    }
    return landlock(has_landlock, err);
}

/* Calls that are harmless whatever their arguments, on descriptors that the process was given. */
static const int plain_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getrandom),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getrusage),
    SCMP_SYS(restart_syscall),
};

/* What glibc's pthread_create asks of clone: a thread, and nothing that is a process or a namespace. */
static const scmp_datum_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                         CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                                         CLONE_CHILD_CLEARTID;

struct rule {
    uint32_t action;
    int call;
    struct scmp_arg_cmp condition;
};

static int add_conditional_rules(scmp_filter_ctx filter)
{
    const struct rule rules[] = {
        {SCMP_ACT_ALLOW, SCMP_SYS(mmap), SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {SCMP_ACT_ALLOW, SCMP_SYS(mprotect), SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {SCMP_ACT_ALLOW, SCMP_SYS(clone), SCMP_CMP(0, SCMP_CMP_EQ, thread_flags, 0)},
        {SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), SCMP_CMP(0, SCMP_CMP_EQ, WIRE_SOCKET_FD, 0)},
        {SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), SCMP_CMP(0, SCMP_CMP_EQ, WIRE_SOCKET_FD, 0)},
        /* abort() ends by a signal that the dispatcher can name */
        {SCMP_ACT_ALLOW, SCMP_SYS(tgkill), SCMP_CMP(0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0)},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        int rc = seccomp_rule_add(filter, rules[i].action, rules[i].call, 1, rules[i].condition);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int add_rules(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof plain_calls / sizeof plain_calls[0]; i++) {
        int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain_calls[i], 0);
        if (rc != 0) {
            return rc;
        }
    }
    /* its flags are behind a pointer; glibc then falls back to clone, whose flags can be seen */
    int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return rc != 0 ? rc : add_conditional_rules(filter);
}

int sandbox_close(struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL) {
        return err_set(err, ERR_INTERNAL, "can not make a seccomp filter");
    }
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (rc == 0) {
        rc = add_rules(filter);
    }
    if (rc == 0) {
        rc = seccomp_load(filter);
    }
    seccomp_release(filter);
    return rc == 0 ? 0 : err_set_errno(err, ERR_INTERNAL, -rc, "can not enter the seccomp filter");
}

static int breach(struct err *err, const char *what)
{
    return err_set(err, ERR_INTERNAL, "the sandbox let the codec %s", what);
}

static bool gives_descriptor(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static bool gives_writable_code(void)
{
    const size_t bytes = 4096;
    /* cppcheck-suppress invalidFunctionArg ; an anonymous map has no descriptor */
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map != MAP_FAILED) {
        munmap(map, bytes);
    }
    return map != MAP_FAILED;
}

int sandbox_prove(struct err *err)
{
    char *const program[] = {NULL};
    if (gives_descriptor(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ||
        gives_descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC))) {
        return breach(err, "open a file");
    }
    if (gives_descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) ||
        gives_descriptor(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))) {
        return breach(err, "make a socket");
    }
    /* a file that can not be run even if the call were let through, so that the answer tells who refused */
    if (execve("/", program, program) == 0 || errno != EPERM) {
        return breach(err, "start a program");
    }
    return gives_writable_code() ? breach(err, "map memory that can be written and executed") : 0;
}
