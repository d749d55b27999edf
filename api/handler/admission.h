// SPDX-License-Identifier: Apache-2.0
/*
 * Whether an upload is let in: judged by its head, before a byte of its body is read, so that what is refused costs next to
 * nothing and an overload ends in 503 and not in memory. Counts the uploads in flight and their bytes. Pure: the clock and the
 * backlog are given to it.
 */
#ifndef PIXMILL_HANDLER_ADMISSION_H
#define PIXMILL_HANDLER_ADMISSION_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct admission;

/* 0 of a number means: no limit. */
struct admission_limits {
    int64_t uploads;  /* in flight */
    int64_t bytes;    /* of them, announced or come so far */
    int64_t backlog;  /* jobs that wait */
    int64_t key_rate; /* uploads of a key a second */
};

/* The queue's state, as it is known. */
struct admission_backlog {
    bool is_known;  /* false: nobody is refused for it */
    int64_t jobs;   /* ready and delayed */
    double seconds; /* in which they are worked off; INFINITY: nobody works */
};

/* What is asked for. */
struct admission_ask {
    int64_t key;   /* of the client; 0: none */
    int64_t bytes; /* announced; -1: not known */
    struct admission_backlog backlog;
    uint64_t now_us; /* monotonic */
};

/* What an upload in flight holds; embedded in it. Zero-initialized: nothing. */
struct admission_share {
    struct admission *admission;
    int64_t bytes;
    bool is_announced; /* bytes is all that will come */
};

/* Limits are copied. Never NULL; freed with admission_free, when no upload is in flight. NULL is allowed there. */
struct admission *admission_new(const struct admission_limits *limits);
void admission_free(struct admission *admission);

/* Uploads in flight. */
size_t admission_uploads(const struct admission *admission);

/*
 * Judges one that brings work for the queue, and no bytes. Returns 0, or -1 with ERR_OVERLOADED or ERR_RATE_LIMITED and in
 * *retry_s after how many seconds (1 to 60) it may be asked again.
 */
int admission_check(struct admission *admission, const struct admission_ask *ask, int *retry_s,
                    struct err *err) MUST_CHECK;

/* As admission_check for an upload, which then holds *share until admission_leave. A body that is larger than the limit is let in alone. */
int admission_enter(struct admission *admission, const struct admission_ask *ask,
                    struct admission_share *share, int *retry_s, struct err *err) MUST_CHECK;

/* Bytes have come. Returns 0, or -1 with ERR_OVERLOADED where they were not announced, and with them it is too much. */
int admission_grow(struct admission_share *share, int64_t bytes, struct err *err) MUST_CHECK;

/* Gives back what an upload holds; harmless where it holds nothing. */
void admission_leave(struct admission_share *share);

#endif
