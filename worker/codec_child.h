// SPDX-License-Identifier: Apache-2.0
/*
 * One codec process: exec'd from its own program with an empty environment and one socket, given one image at a
 * time, killed where it is late or sends what it should not. It is started once and ends once.
 *
 *     STARTING ──READY──► IDLE ◄──DONE, FAILED── BUSY
 *         │                │  ──────JOB────────►  │
 *         └───deadline─────┴──stop, bad frame─────┴──► ENDING ──exit──► GONE
 */
#ifndef PIXMILL_WORKER_CODEC_CHILD_H
#define PIXMILL_WORKER_CODEC_CHILD_H

#include "common/base/err.h"
#include "worker/codec_task.h"

#include <stddef.h>
#include <stdint.h>

struct loop;
struct codec_child;

/* What ended a process that nobody had asked to end. */
enum codec_death {
    CODEC_DEATH_START,    /* it could not be started */
    CODEC_DEATH_EXIT,     /* it exited */
    CODEC_DEATH_SIGNAL,   /* a signal that was not ours: a fault, or the kernel's want of memory */
    CODEC_DEATH_LIMIT,    /* its limit of processor time */
    CODEC_DEATH_DEADLINE, /* we killed it, because it was late */
    CODEC_DEATH_FRAME,    /* we killed it, because of what it sent, or did not take */
    CODEC_DEATH_COUNT
};

struct codec_child_options {
    const char *path; /* of pixmill-codec */
    int64_t memory_bytes;
    bool is_caged;           /* false: --no-sandbox */
    const char *log_level;   /* "info" */
    const char *failpoint;   /* what it is armed with (common/base/failpoint.h); NULL: nothing */
    uint64_t ready_ms;       /* from the start to READY */
    uint64_t job_timeout_ms; /* from JOB to DONE or FAILED */
};

struct codec_child_events {
    /* READY came, or a task has ended and the codec can take the next one */
    void (*on_idle)(void *owner, struct codec_child *child);
    /*
     * The process is gone, after on_end of its task; nothing of the child is left when this returns. err is NULL
     * where it was stopped by codec_child_stop, and otherwise says how it died.
     */
    void (*on_gone)(void *owner, struct codec_child *child, const struct err *err);
};

/* Starts a process. Never fails at once: on_gone tells, from the loop. options, events and owner outlive the child. */
struct codec_child *codec_child_start(struct loop *loop, const struct codec_child_options *options,
                                      const struct codec_child_events *events, void *owner);

/* True between READY and the end, while it has no task. */
bool codec_child_is_idle(const struct codec_child *child);

/* True while it has a task. */
bool codec_child_is_busy(const struct codec_child *child);

/* Gives an idle codec its next image. The task is answered from the loop. */
void codec_child_run(struct codec_child *child, struct codec_task *task, uint64_t ticket);

/* Kills a busy process whose image is not wanted any more: its task is not answered, and its end is no death. */
void codec_child_abandon(struct codec_child *child);

/* Asks a process that has no task to end, and kills it where it does not do so soon. Harmless when it is ending. */
void codec_child_stop(struct codec_child *child);

/* What ended it, inside on_gone with an err. */
enum codec_death codec_child_death(const struct codec_child *child);

/* The process id, for the log; 0 where it could not be started. */
int codec_child_pid(const struct codec_child *child);

/* The most memory that it had so far, as it says itself. */
int64_t codec_child_peak_bytes(const struct codec_child *child);

/* Images that it has answered for, well or not. */
int64_t codec_child_images(const struct codec_child *child);

#endif
