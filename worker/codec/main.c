// SPDX-License-Identifier: Apache-2.0
/*
 * pixmill-codec: decodes and encodes images for a dispatcher, in a cage.
 *
 *     pixmill-codec --memory-bytes N [--no-sandbox] [--log-level LEVEL] [--failpoint POINTS]
 *
 * Descriptor 3 is the dispatcher's socket (worker/wire/wire.h). The process ends by itself when the dispatcher closes it; it is
 * ended by SIGKILL otherwise, and ignores SIGINT and SIGTERM, which reach a whole group though they are meant for the dispatcher.
 */
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "worker/codec/codec.h"
#include "worker/codec/library.h"
#include "worker/codec/memory.h"
#include "worker/codec/sandbox.h"
#include "worker/codec/warm_up.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
/* The leak check at the end needs to trace its own process, which the cage forbids. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

struct options {
    int64_t memory_bytes;
    bool has_sandbox;
    enum log_level log_level;
    const char *failpoint;
};

/* What one job's results need: where they go, and the number under which the dispatcher knows the job. */
struct answer {
    uint64_t ticket;
    const int *variant_fds;
};

static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {{"memory-bytes", required_argument, NULL, 'm'},
                                          {"no-sandbox", no_argument, NULL, 'n'},
                                          {"log-level", required_argument, NULL, 'l'},
                                          {"failpoint", required_argument, NULL, 'f'},
                                          {NULL, 0, NULL, 0}};
    opterr = 0; /* what is wrong goes to the log, in its form */
    *options =
        (struct options){.memory_bytes = 0, .has_sandbox = true, .log_level = LOG_INFO, .failpoint = ""};
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (option == 'm' && text_int64(optarg, 1, INT64_MAX, &options->memory_bytes) == 0) {
            continue;
        }
        if (option == 'l' && log_level_of_word(optarg, &options->log_level)) {
            continue;
        }
        if (option == 'f') {
            options->failpoint = optarg;
            continue;
        }
        if (option != 'n') {
            return -1;
        }
        options->has_sandbox = false;
    }
    return options->memory_bytes > 0 && optind == argc ? 0 : -1;
}

/* Whatever the parent left open beside the standard three and the socket is no business of ours. */
static int shed(struct err *err)
{
    if (syscall(SYS_close_range, WIRE_SOCKET_FD + 1, ~0U, 0) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "can not close inherited descriptors");
    }
    /* a codec without its dispatcher works for nobody */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || prctl(PR_SET_NAME, "pixmill-codec", 0, 0, 0) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "can not set up the process");
    }
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    return 0;
}

/* Everything up to READY: afterwards the process has the libraries warm and no rights. */
static int prepare(const struct options *options, int *status_fd, struct err *err)
{
    bool has_landlock = false;
    if (failpoint_arm(options->failpoint, err) != 0 || shed(err) != 0) {
        return -1;
    }
    *status_fd = memory_open();
    if (options->has_sandbox && sandbox_begin(options->memory_bytes, &has_landlock, err) != 0) {
        return -1;
    }
    if (library_start(err) != 0 || warm_up(err) != 0 || library_prove(err) != 0 || warm_up_prove(err) != 0) {
        return -1;
    }
    if (!options->has_sandbox) {
        log_warn("images are decoded without a sandbox");
        return 0;
    }
    if (!has_landlock) {
        log_warn("the kernel has no Landlock; seccomp stands alone");
    }
    return sandbox_close(err) != 0 || sandbox_prove(err) != 0 ? -1 : 0;
}

/* The whole original in memory (the caller frees *data). Shorter than announced is ERR_CORRUPT_IMAGE. */
static int read_original(int fd, const struct wire_job *job, unsigned char **data, struct err *err)
{
    if (job->input_bytes > job->limits.max_file_bytes) {
        return err_set(err, ERR_FILE_TOO_LARGE, "the original has more bytes than the limit");
    }
    size_t bytes = (size_t)job->input_bytes;
    unsigned char *read_data = malloc(bytes > 0 ? bytes : 1);
    if (read_data == NULL) {
        return err_set(err, ERR_OUT_OF_MEMORY, "no memory for the original");
    }
    /* a pipe can not be rewound and needs not to be */
    (void)lseek(fd, 0, SEEK_SET);
    for (size_t at = 0; at < bytes;) {
        ssize_t got = read(fd, read_data + at, bytes - at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            int errnum = errno;
            free(read_data);
            return got == 0 ? err_set(err, ERR_CORRUPT_IMAGE, "the original ends early")
                            : err_set_errno(err, ERR_INTERNAL, errnum, "can not read the original");
        }
        at += (size_t)got;
    }
    *data = read_data;
    return 0;
}

static int send_frame(const struct wire_frame *frame, struct err *err)
{
    return wire_send(WIRE_SOCKET_FD, frame, NULL, 0, err);
}

static int on_head(void *owner, const struct wire_head *head, struct err *err)
{
    failpoint("codec.measured");
    const struct answer *answer = owner;
    return send_frame(&(struct wire_frame){.type = WIRE_HEAD, .ticket = answer->ticket, .head = *head}, err);
}

static int on_variant(void *owner, const struct wire_variant *variant, const unsigned char *data,
                      struct err *err)
{
    const struct answer *answer = owner;
    size_t bytes = (size_t)variant->bytes;
    for (size_t at = 0; at < bytes;) {
        ssize_t put = write(answer->variant_fds[variant->index], data + at, bytes - at);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return err_set_errno(err, errno == ENOMEM ? ERR_OUT_OF_MEMORY : ERR_INTERNAL, errno,
                                 "can not write a variant");
        }
        at += (size_t)put;
        failpoint("codec.writing");
    }
    return send_frame(
        &(struct wire_frame){.type = WIRE_VARIANT, .ticket = answer->ticket, .variant = *variant}, err);
}

static int run_job(const struct wire_frame *frame, const int *fds, size_t fd_count, struct wire_done *done,
                   struct err *err)
{
    struct answer answer = {.ticket = frame->ticket, .variant_fds = fds + 1};
    struct codec_output output = {.owner = &answer, .head = on_head, .variant = on_variant};
    unsigned char *data = NULL;
    if (frame->type != WIRE_JOB || fd_count != 1 + frame->job.profile.count) {
        return err_set(err, ERR_INTERNAL, "not a job, or not its %zu descriptors", fd_count);
    }
    if (read_original(fds[0], &frame->job, &data, err) != 0) {
        return -1;
    }
    int rc = codec_run(&frame->job, data, (size_t)frame->job.input_bytes, &output, done, err);
    free(data);
    return rc;
}

/* Answers one job. Returns -1 where the dispatcher could not be told. */
static int serve(const struct wire_frame *frame, const int *fds, size_t fd_count, int status_fd,
                 struct err *err)
{
    struct wire_frame answer = {.type = WIRE_DONE, .ticket = frame->ticket};
    struct wire_done done;
    struct err fault = {.code = ERR_NONE};
    int rc = run_job(frame, fds, fd_count, &done, &fault);
    for (size_t i = 0; i < fd_count; i++) {
        close(fds[i]);
    }
    failpoint("codec.done");
    if (rc == 0) {
        answer.done = done;
        answer.done.peak_bytes = memory_peak_bytes(status_fd);
    } else {
        answer.type = WIRE_FAILED;
        answer.failed.code = fault.code;
        snprintf(answer.failed.sentence, sizeof answer.failed.sentence, "%.*s",
                 (int)sizeof answer.failed.sentence - 1, fault.sentence);
    }
    return send_frame(&answer, err);
}

static int serve_all(int status_fd, struct err *err)
{
    failpoint("codec.ready");
    if (send_frame(&(struct wire_frame){.type = WIRE_READY}, err) != 0) {
        return -1;
    }
    for (;;) {
        struct wire_frame frame;
        int fds[WIRE_MAX_FDS];
        size_t fd_count = 0;
        switch (wire_receive(WIRE_SOCKET_FD, &frame, fds, &fd_count, err)) {
        case WIRE_GOT_END:
            failpoint("codec.ending");
            return 0;
        case WIRE_GOT_ERROR:
            return -1;
        case WIRE_GOT_NOTHING:
            return err_set(err, ERR_INTERNAL, "the dispatcher's socket does not block");
        case WIRE_GOT_FRAME:
            if (serve(&frame, fds, fd_count, status_fd, err) != 0) {
                return -1;
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct options options;
    int status_fd = -1;
    struct err err = {.code = ERR_NONE};
    log_start("pixmill-codec", LOG_INFO);
    if (read_options(argc, argv, &options) != 0) {
        log_error("usage: pixmill-codec --memory-bytes N [--no-sandbox] [--log-level debug|info|warn|error]");
        return WIRE_EXIT_USAGE;
    }
    log_start("pixmill-codec", options.log_level);
    if (prepare(&options, &status_fd, &err) != 0) {
        log_error("the codec does not start: its cage or its libraries are not as they must be",
                  log_err(&err));
        return WIRE_EXIT_CAGE;
    }
    if (serve_all(status_fd, &err) != 0) {
        log_error("the codec lost its dispatcher", log_err(&err));
        return WIRE_EXIT_WIRE;
    }
    return 0;
}
