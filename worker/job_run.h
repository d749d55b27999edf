// SPDX-License-Identifier: Apache-2.0
/*
 * One job, from its lease to its end: the row is marked, the original opened, a codec makes the variants, they are
 * stored, the row is switched, and the queue is told. Every failure ends in one of: again, failed, buried, given back.
 *
 * Every state waits for calls that have a deadline of their own (database, queue, codec). A disk may hang for ever: the run then does, too,
 * but its lease is given up in time.
 */
#ifndef PIXMILL_WORKER_JOB_RUN_H
#define PIXMILL_WORKER_JOB_RUN_H

#include "common/base/list.h"
#include "common/queue/queue.h"

struct job_run;
struct parts;

struct job_run_events {
    void (*on_codec_free)(void *owner); /* the job needs no codec any more; at most once, before on_end */
    void (*on_end)(void *owner, struct job_run *run); /* the last call; the run is freed when it returns */
};

/* Starts on a job that was taken. parts, events and owner outlive the run. Never answers before this has returned. */
struct job_run *job_run_start(const struct parts *parts, const struct queue_taken *taken,
                              const struct job_run_events *events, void *owner);

/* The link by which the owner keeps its runs. */
struct list *job_run_link(struct job_run *run);
struct job_run *job_run_of_link(struct list *link);

/* The name of its job in the queue. */
const char *job_run_name(const struct job_run *run);

/* True until its codec has answered: such runs are what the codecs will start soon. */
bool job_run_needs_codec(const struct job_run *run);

/* The job was given to others, since the storage does not answer; the run waits for that still. */
bool job_run_is_late(const struct job_run *run);

/* Gives the job back where no codec has begun with it; else it goes on. */
void job_run_drain(struct job_run *run);

/* Gives the job back even where a codec is at work on it; one whose variants are made goes on to its end. */
void job_run_stop(struct job_run *run);

#endif
