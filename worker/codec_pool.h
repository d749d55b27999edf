// SPDX-License-Identifier: Apache-2.0
/*
 * N codec processes and the line of images that wait for one. A codec that dies is replaced at once, and later and
 * later where it goes on dying; one that has done its share of images is replaced by a fresh one.
 */
#ifndef PIXMILL_WORKER_CODEC_POOL_H
#define PIXMILL_WORKER_CODEC_POOL_H

#include "worker/codec_child.h"

struct codec_pool;
struct loop;
struct metric;

struct codec_pool_options {
    struct codec_child_options child; /* its strings outlive the pool */
    size_t codecs;
    int64_t codec_images;  /* after which a codec is replaced */
    int64_t ceiling_bytes; /* a codec that had more memory than this is replaced */
    int64_t
        memory_budget; /* for the tasks that are at work at once; one that needs more by itself works alone */
    struct metric *deaths[CODEC_DEATH_COUNT]; /* counters by cause; NULL: not counted */
    struct metric *replacements;              /* of codecs that had done their share */
};

/*
 * Starts the codecs. changed(owner) is called from the loop whenever one became ready, free, or died. Never NULL;
 * closed with codec_pool_close.
 */
struct codec_pool *codec_pool_open(struct loop *loop, const struct codec_pool_options *options,
                                   void (*changed)(void *owner), void *owner);

/* Ends all codecs; no task may be there. changed is not called any more; closed(owner) is the last call, from the loop. */
void codec_pool_close(struct codec_pool *pool, void (*closed)(void *owner), void *owner);

/* Puts a task in the line. Tasks are handed to codecs in their order, as soon as one is free and the budget has room. */
void codec_pool_submit(struct codec_pool *pool, struct codec_task *task);

/* Ends a task that was submitted with ERR_CANCELLED, from the loop; the codec that has it is killed. */
void codec_pool_cancel(struct codec_pool *pool, struct codec_task *task);

/* Codecs that are ready or at work. */
size_t codec_pool_live(const struct codec_pool *pool);

/* Codecs that are ready and have nothing to do; 0 where a task waits for memory, since they could not take another. */
size_t codec_pool_free(const struct codec_pool *pool);

/* True where no codec lives and the last starts have all failed: the program is missing, or dies at once. */
bool codec_pool_is_broken(const struct codec_pool *pool);

/* What the pool is doing now. */
struct codec_pool_status {
    size_t live;           /* ready or at work */
    size_t busy;           /* at work */
    size_t waiting;        /* tasks in the line */
    int64_t memory_bytes;  /* that the tasks at work are reckoned to need */
    int64_t memory_budget; /* for them */
};
struct codec_pool_status codec_pool_status(const struct codec_pool *pool);

/* Codecs that died so far (not those that were replaced or stopped). */
uint64_t codec_pool_deaths(const struct codec_pool *pool);

#endif
