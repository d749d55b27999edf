// SPDX-License-Identifier: Apache-2.0
/*
 * One image's stay in a codec: what the codec gets, the memory files that it writes its variants to, and the
 * check of everything that it says about them. A codec is hostile: it may have been taken over by an image.
 *
 * Embedded in its owner (a job_run), which fills the upper part and hands it to codec_pool_submit.
 */
#ifndef PIXMILL_WORKER_CODEC_TASK_H
#define PIXMILL_WORKER_CODEC_TASK_H

#include "common/base/err.h"
#include "common/base/list.h"
#include "common/net/loop.h"
#include "worker/wire/wire.h"

struct codec_child;

struct codec_task {
    /* filled by the owner */
    int input_fd;         /* open for reading; stays the owner's, and open until on_end */
    struct wire_job job;  /* what is asked for */
    int64_t memory_bytes; /* what it will need, most likely */
    /* a variant is complete and sealed, and fd becomes the receiver's; or it is left out: bytes 0, fd -1 */
    void (*on_variant)(void *owner, const struct wire_variant *variant, int fd);
    /*
     * The one end, never before codec_pool_submit has returned: err NULL and what the codec told of the
     * image after every variant came, or done NULL and err. Of the codes of err, ERR_CANCELLED means
     * codec_pool_cancel.
     */
    void (*on_end)(void *owner, const struct wire_done *done, const struct err *err);
    void *owner;
    /* filled by the pool */
    struct list link;          /* in the pool's line while it waits for a codec */
    struct codec_child *child; /* borrowed; the codec that has it; NULL while it waits */
    uint64_t ticket;
    int fds[PROFILE_MAX_VARIANTS]; /* owned until on_variant; -1 where none is */
    bool is_told[PROFILE_MAX_VARIANTS];
    bool has_head;
    struct wire_head head; /* what the codec told of the image before any variant; all zero until then */
    struct loop_later cancel;
};

enum codec_task_said {
    CODEC_TASK_GOES_ON,  /* more will come */
    CODEC_TASK_HAS_ENDED /* on_end was called; the codec is free */
};

/* Makes the memory files. Returns 0, or -1 with ERR_INTERNAL and nothing kept. */
int codec_task_open(struct codec_task *task, uint64_t ticket, struct err *err) MUST_CHECK;

/* Sends the JOB frame with all descriptors. Returns 0, or -1 with *err. */
int codec_task_send(const struct codec_task *task, int socket, struct err *err) MUST_CHECK;

/*
 * Takes a frame of the codec that has the task, and calls the owner where it is good. Returns 0 with *said, or -1
 * with ERR_CODEC_CRASHED where the frame is not what an honest codec would send now; the caller then kills the
 * codec and ends the task with codec_task_end.
 */
int codec_task_take(struct codec_task *task, const struct wire_frame *frame, enum codec_task_said *said,
                    struct err *err) MUST_CHECK;

/* Closes what is left, without a word to the owner. */
void codec_task_drop(struct codec_task *task);

/* Closes what is left and calls on_end. The task is the owner's again and may be gone after this. */
void codec_task_end(struct codec_task *task, const struct wire_done *done, const struct err *err);

#endif
