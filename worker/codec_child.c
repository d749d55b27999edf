// SPDX-License-Identifier: Apache-2.0
#include "worker/codec_child.h"

#include "common/base/alloc.h"
#include "common/net/loop.h"
#include "worker/wire/wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MOST_WORDS = 10,    /* of its command line, with the NULL */
    FRAMES_A_TURN = 16, /* what one codec may say before others are heard */
    STOP_MS = 5000,     /* for an asked-for end */
    DEATH_MS = 100,     /* from the end of its socket to that of the process */
    EXIT_MS = 5000      /* for the kernel to report the end of what was killed */
};

enum child_state { CHILD_STARTING, CHILD_IDLE, CHILD_BUSY, CHILD_ENDING, CHILD_GONE };

struct codec_child {
    struct loop *loop;
    const struct codec_child_options *options; /* borrowed */
    const struct codec_child_events *events;   /* borrowed */
    void *owner;
    enum child_state state;
    struct deadline deadline; /* of STARTING, BUSY, ENDING */
    uv_process_t process;
    uv_poll_t poll;
    int socket;              /* owned; -1 once closed */
    bool has_process;        /* uv_spawn was called: the handle needs a close */
    bool has_exited;         /* the process id is no longer ours */
    bool is_killed;          /* by us */
    int open_handles;        /* handles and queued calls that still point at us */
    struct codec_task *task; /* borrowed, while BUSY */
    bool is_stopped;         /* by codec_child_stop: its end is no death */
    struct err why;          /* ERR_NONE: what the exit says is the cause */
    enum codec_death death;  /* where why is set */
    int64_t images;
    int64_t peak_bytes;
    struct loop_later later;
};

static void set_state(struct codec_child *child, enum child_state state);

static void end_task(struct codec_child *child, const struct err *err)
{
    struct codec_task *task = child->task;
    if (task != NULL) {
        child->task = NULL;
        codec_task_end(task, NULL, err);
    }
}

/* Every path to the end comes by here, when no handle is left. */
static void finish(struct codec_child *child)
{
    set_state(child, CHILD_GONE);
    end_task(child, &child->why);
    child->events->on_gone(child->owner, child, child->is_stopped ? NULL : &child->why);
    free(child);
}

static void drop_handle(struct codec_child *child)
{
    if (--child->open_handles == 0) {
        finish(child);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct codec_child *child = handle->data;
    if (handle == (uv_handle_t *)&child->poll) {
        close(child->socket);
        child->socket = -1;
    }
    drop_handle(child);
}

static void close_socket(struct codec_child *child)
{
    if (child->socket >= 0 && !uv_is_closing((uv_handle_t *)&child->poll)) {
        uv_close((uv_handle_t *)&child->poll, on_closed);
    }
}

static void close_all(struct codec_child *child)
{
    deadline_disarm(&child->deadline);
    close_socket(child);
    if (child->has_process && !uv_is_closing((uv_handle_t *)&child->process)) {
        uv_close((uv_handle_t *)&child->process, on_closed);
    }
}

static void do_kill(struct codec_child *child)
{
    child->is_killed = true;
    set_state(child, CHILD_ENDING);
    if (!child->has_exited) {
        uv_process_kill(&child->process, SIGKILL);
    }
    close_socket(child);
}

/* Kills the process; its task, if it has one, ends with err before this returns. */
static void kill_for(struct codec_child *child, enum codec_death death, const struct err *err)
{
    if (child->state >= CHILD_ENDING) {
        return;
    }
    child->why = *err;
    child->death = death;
    do_kill(child);
    end_task(child, &child->why);
}

static void kill_late(struct codec_child *child, enum err_code code, const char *what, uint64_t ms)
{
    struct err err;
    err_set(&err, code, "%s %llu ms", what, (unsigned long long)ms);
    kill_for(child, CODEC_DEATH_DEADLINE, &err);
}

/* It sent what it should not. */
static void kill_for_frame(struct codec_child *child, const char *sentence)
{
    struct err err;
    err_set(&err, ERR_CODEC_CRASHED, "%s", sentence);
    kill_for(child, CODEC_DEATH_FRAME, &err);
}

static void on_deadline(void *owner)
{
    struct codec_child *child = owner;
    switch (child->state) {
    case CHILD_STARTING:
        kill_late(child, ERR_CODEC_CRASHED, "not ready within", child->options->ready_ms);
        break;
    case CHILD_BUSY:
        kill_late(child, ERR_PROCESSING_TIMEOUT, "an image took more than", child->options->job_timeout_ms);
        break;
    case CHILD_ENDING:
        if (!child->is_killed) {
            do_kill(child);
            break;
        }
        /* killed, and the kernel does not say so: it hangs in a system call; nothing more can be done */
        if (child->why.code == ERR_NONE) {
            child->death = CODEC_DEATH_DEADLINE;
            err_set(&child->why, ERR_CODEC_CRASHED, "it can not be killed");
        }
        close_all(child);
        break;
    case CHILD_IDLE:
    case CHILD_GONE:
        break;
    }
}

static uint64_t ending_ms(const struct codec_child *child)
{
    if (child->is_killed) {
        return EXIT_MS;
    }
    return child->is_stopped ? STOP_MS : DEATH_MS;
}

static void set_state(struct codec_child *child, enum child_state state)
{
    const uint64_t deadline_ms[] = {[CHILD_STARTING] = child->options->ready_ms,
                                    [CHILD_IDLE] = 0,
                                    [CHILD_BUSY] = child->options->job_timeout_ms,
                                    [CHILD_ENDING] = ending_ms(child),
                                    [CHILD_GONE] = 0};
    child->state = state;
    deadline_disarm(&child->deadline);
    if (deadline_ms[state] > 0) {
        deadline_arm(&child->deadline, child->loop, deadline_ms[state], on_deadline, child);
    }
}

static void take_ready(struct codec_child *child, const struct wire_frame *frame)
{
    if (frame->type != WIRE_READY || child->state != CHILD_STARTING) {
        kill_for_frame(child, "it sent a bad frame: a type that is out of place");
        return;
    }
    set_state(child, CHILD_IDLE);
    child->events->on_idle(child->owner, child);
}

static void take_answer(struct codec_child *child, const struct wire_frame *frame)
{
    enum codec_task_said said = CODEC_TASK_GOES_ON;
    struct codec_task *task = child->task;
    struct err err;
    /* the task may end in here, and its owner may look at us */
    if (frame->type == WIRE_DONE || frame->type == WIRE_FAILED) {
        child->task = NULL;
    }
    if (codec_task_take(task, frame, &said, &err) != 0) {
        child->task = task;
        kill_for(child, CODEC_DEATH_FRAME, &err);
    } else if (said == CODEC_TASK_HAS_ENDED) {
        child->images++;
        if (frame->type == WIRE_DONE) {
            child->peak_bytes = frame->done.peak_bytes;
        }
        set_state(child, CHILD_IDLE);
        child->events->on_idle(child->owner, child);
    }
}

static void take_frame(struct codec_child *child, const struct wire_frame *frame, size_t fd_count)
{
    if (fd_count > 0) {
        kill_for_frame(child, "it sent a descriptor");
    } else if (child->state == CHILD_BUSY) {
        take_answer(child, frame);
    } else {
        take_ready(child, frame);
    }
}

/* Reads what is there, at most `most` frames. */
static void read_frames(struct codec_child *child, int most)
{
    for (int i = 0; i < most && child->state < CHILD_ENDING; i++) {
        struct wire_frame frame;
        int fds[WIRE_MAX_FDS];
        size_t fd_count = 0;
        struct err err;
        switch (wire_receive(child->socket, &frame, fds, &fd_count, &err)) {
        case WIRE_GOT_FRAME:
            for (size_t fd = 0; fd < fd_count; fd++) {
                close(fds[fd]);
            }
            take_frame(child, &frame, fd_count);
            break;
        case WIRE_GOT_NOTHING:
            return;
        case WIRE_GOT_END:
            /* most likely it is dying: the exit tells more, and the task waits for that */
            set_state(child, CHILD_ENDING);
            close_socket(child);
            return;
        case WIRE_GOT_ERROR:
            kill_for_frame(child, err.sentence);
            return;
        }
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    /* a poll error shows as an error or an end of the read, which has one way to be handled */
    (void)status;
    (void)events;
    read_frames(poll->data, FRAMES_A_TURN);
}

static void tell_exit(struct codec_child *child, int64_t status, int signal)
{
    child->death = CODEC_DEATH_SIGNAL;
    if (signal == SIGXCPU) {
        child->death = CODEC_DEATH_LIMIT;
        err_set(&child->why, ERR_PROCESSING_TIMEOUT, "it used up its processor time");
    } else if (signal == SIGKILL && child->is_killed) {
        child->death = CODEC_DEATH_DEADLINE;
        err_set(&child->why, ERR_CODEC_CRASHED, "it closed its socket and went on");
    } else if (signal != 0) {
        err_set(&child->why, ERR_CODEC_CRASHED, "it died by signal %d (%s)", signal, strsignal(signal));
    } else {
        child->death = CODEC_DEATH_EXIT;
        const char *meaning = status == WIRE_EXIT_CAGE   ? " (its cage or its libraries do not stand)"
                              : status == WIRE_EXIT_WIRE ? " (it did not understand a frame)"
                                                         : "";
        err_set(&child->why, ERR_CODEC_CRASHED, "it exited with status %lld%s", (long long)status, meaning);
    }
}

static void on_process_exit(uv_process_t *process, int64_t status, int signal)
{
    struct codec_child *child = process->data;
    child->has_exited = true;
    /* an answer that was sent just before the end still counts */
    read_frames(child, INT16_MAX);
    if (child->why.code == ERR_NONE && !child->is_stopped) {
        tell_exit(child, status, signal);
    }
    set_state(child, CHILD_ENDING);
    close_all(child);
}

/* argv as the codec's main reads it; the strings live in text and options. */
static void make_argv(const struct codec_child_options *options, char text[32], const char *argv[MOST_WORDS])
{
    size_t count = 0;
    snprintf(text, 32, "%lld", (long long)options->memory_bytes);
    argv[count++] = options->path;
    argv[count++] = "--memory-bytes";
    argv[count++] = text;
    argv[count++] = "--log-level";
    argv[count++] = options->log_level;
    if (!options->is_caged) {
        argv[count++] = "--no-sandbox";
    }
    if (options->failpoint != NULL) {
        argv[count++] = "--failpoint";
        argv[count++] = options->failpoint;
    }
    argv[count] = NULL;
}

static int spawn(struct codec_child *child, int their_socket)
{
    /* few arenas of malloc keep a codec's memory small; nothing else of our environment is its business */
    static const char *const environment[] = {"MALLOC_ARENA_MAX=1", NULL};
    char text[32];
    const char *argv[MOST_WORDS];
    make_argv(child->options, text, argv);
    uv_stdio_container_t stdio[WIRE_SOCKET_FD + 1] = {{.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
    stdio[2] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO};
    stdio[WIRE_SOCKET_FD] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = their_socket};
    uv_process_options_t options = {.exit_cb = on_process_exit,
                                    .file = child->options->path,
                                    .stdio_count = WIRE_SOCKET_FD + 1,
                                    .stdio = stdio};
    /* libuv takes these as not const and does not write to them */
    memcpy(&options.args, &(const char **){argv}, sizeof options.args);
    memcpy(&options.env, &(const char *const *){environment}, sizeof options.env);
    /* hiredis opens its socket without close-on-exec; an older kernel leaves that to the codec, which closes all */
    (void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    child->has_process = true;
    child->process.data = child;
    child->open_handles++;
    return uv_spawn(loop_uv(child->loop), &child->process, &options);
}

static int start(struct codec_child *child)
{
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
        return err_set_errno(&child->why, ERR_CODEC_CRASHED, errno, "no socket");
    }
    if (fcntl(sockets[0], F_SETFL, O_NONBLOCK) != 0 ||
        uv_poll_init(loop_uv(child->loop), &child->poll, sockets[0]) != 0) {
        close(sockets[0]);
        close(sockets[1]);
        return err_set(&child->why, ERR_CODEC_CRASHED, "its socket can not be watched");
    }
    child->socket = sockets[0];
    child->poll.data = child;
    child->open_handles++;
    int status = spawn(child, sockets[1]);
    close(sockets[1]);
    if (status != 0) {
        return err_set(&child->why, ERR_CODEC_CRASHED, "%s can not be started: %s", child->options->path,
                       uv_strerror(status));
    }
    status = uv_poll_start(&child->poll, UV_READABLE, on_readable);
    assert(status == 0);
    return 0;
}

static void on_not_started(void *owner)
{
    struct codec_child *child = owner;
    close_all(child);
    drop_handle(child);
}

struct codec_child *codec_child_start(struct loop *loop, const struct codec_child_options *options,
                                      const struct codec_child_events *events, void *owner)
{
    struct codec_child *child = alloc_zeroed(1, sizeof *child);
    child->loop = loop;
    child->options = options;
    child->events = events;
    child->owner = owner;
    child->socket = -1;
    child->death = CODEC_DEATH_START;
    set_state(child, CHILD_STARTING);
    if (start(child) != 0) {
        set_state(child, CHILD_ENDING);
        child->open_handles++;
        loop_call_later(loop, &child->later, on_not_started, child);
    }
    return child;
}

bool codec_child_is_idle(const struct codec_child *child)
{
    return child->state == CHILD_IDLE;
}

bool codec_child_is_busy(const struct codec_child *child)
{
    return child->state == CHILD_BUSY;
}

static void on_not_sent(void *owner)
{
    struct codec_child *child = owner;
    kill_for_frame(child, "it takes no frame");
    drop_handle(child);
}

void codec_child_run(struct codec_child *child, struct codec_task *task, uint64_t ticket)
{
    assert(child->state == CHILD_IDLE && child->task == NULL);
    struct err err;
    child->task = task;
    task->child = child;
    set_state(child, CHILD_BUSY);
    if (codec_task_open(task, ticket, &err) != 0 || codec_task_send(task, child->socket, &err) != 0) {
        child->open_handles++;
        loop_call_later(child->loop, &child->later, on_not_sent, child);
    }
}

void codec_child_abandon(struct codec_child *child)
{
    assert(child->task != NULL);
    codec_task_drop(child->task);
    child->task = NULL;
    if (child->state < CHILD_ENDING) {
        child->is_stopped = true;
        do_kill(child);
    }
}

void codec_child_stop(struct codec_child *child)
{
    assert(child->task == NULL);
    if (child->state >= CHILD_ENDING) {
        return;
    }
    child->is_stopped = true;
    set_state(child, CHILD_ENDING);
    /* the end of its socket is what tells a codec to go */
    close_socket(child);
}

enum codec_death codec_child_death(const struct codec_child *child)
{
    return child->death;
}

int codec_child_pid(const struct codec_child *child)
{
    return child->has_process ? uv_process_get_pid(&child->process) : 0;
}

int64_t codec_child_peak_bytes(const struct codec_child *child)
{
    return child->peak_bytes;
}

int64_t codec_child_images(const struct codec_child *child)
{
    return child->images;
}
