// SPDX-License-Identifier: Apache-2.0
/*
 * What the worker knows of one thing that it depends on (the database, the storage): closed while calls work, open
 * after one failed. While it is open no job is claimed, and the thing is asked with a back-off until it answers.
 *
 *     CLOSED ──trip, ask──► OPEN: probe ─► wait ─► probe ... ──answer──► CLOSED
 */
#ifndef PIXMILL_WORKER_BREAKER_H
#define PIXMILL_WORKER_BREAKER_H

#include "common/base/err.h"
#include "common/base/list.h"

struct breaker;
struct loop;
struct metric;

struct breaker_options {
    const char *name;                                        /* for the log; outlives the breaker */
    void (*check)(void *subject, done_fn done, void *owner); /* asks whether the thing works now */
    void *subject;
    void (*changed)(void *owner); /* it opened or closed; from the loop */
    void *owner;
    struct metric *trips; /* how often it opened; borrowed; NULL: not counted */
};

/* A closed breaker. Never NULL. Freed with breaker_close. */
struct breaker *breaker_open(struct loop *loop, const struct breaker_options *options);

/* Stops asking and frees; closed(owner) is the last call, from the loop. Nobody may wait for an answer. */
void breaker_close(struct breaker *breaker, void (*closed)(void *owner), void *owner);

/* Tells that a call failed in a way that may be the thing's fault. */
void breaker_trip(struct breaker *breaker);

/*
 * A question: did that call fail because the thing is away, or on its own account? Embedded in who asks. Trips the
 * breaker and answers with its next probe: err NULL where the thing works, else why it does not.
 */
struct breaker_question {
    struct list link;
    done_fn done;
    void *owner;
};
void breaker_ask(struct breaker *breaker, struct breaker_question *question, done_fn done, void *owner);

/* True while the thing is believed to be away. */
bool breaker_is_open(const struct breaker *breaker);

#endif
