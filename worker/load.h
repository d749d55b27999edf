// SPDX-License-Identifier: Apache-2.0
/*
 * How much waits, and for how long: the queue's counts, asked twice a second, over the rate at which this worker's codecs are
 * measured to work. Jobs of the low class (campaigns, refinements) are no backlog: nobody waits for them.
 */
#ifndef PIXMILL_WORKER_LOAD_H
#define PIXMILL_WORKER_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load;
struct loop;
struct queue;

/* Starts asking. Never NULL; closed with load_close. */
struct load *load_open(struct loop *loop, struct queue *queue, size_t codecs);

/* Asks no more; closed(owner) is called from the loop when no call is pending. */
void load_close(struct load *load, void (*closed)(void *owner), void *owner);

/* A job was taken by this worker. */
void load_job_begun(struct load *load);

/* A job has left this worker; codec_us is the time that an image took of a codec, 0 where none was made. */
void load_job_ended(struct load *load, int64_t codec_us);

/* In how many seconds the backlog would be worked off, by all workers together as far as one can tell. */
int64_t load_backlog_seconds(const struct load *load);

/* The time that an image takes of a codec, on average; a guess before the first. */
int64_t load_codec_us(const struct load *load);

/* True where operators have paused the queue, as far as is known. */
bool load_is_queue_paused(const struct load *load);

/* True where live work waits for a worker. */
bool load_has_waiting(const struct load *load);

struct load_view {
    int64_t ready;    /* jobs that wait, but for the low class */
    int64_t leased;   /* jobs in the hands of all workers */
    int64_t in_hand;  /* of them, in ours */
    int64_t codecs;   /* of ours */
    int64_t codec_us; /* that a job takes of one */
};

/*
 * The seconds from a view: our rate is one job a codec in codec_us; that of all is as many times more as they hold more jobs than we do.
 * Rounded up, so that 0 means that nothing waits. Pure.
 */
int64_t load_seconds_of(const struct load_view *view);

#endif
