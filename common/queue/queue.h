// SPDX-License-Identifier: Apache-2.0
/*
 * The queue of jobs in Redis: push, take, renew, finish, retry. Each verb is one Lua script (scripts/), so that each is
 * atomic; all keys share one hash tag. Time is Redis' own. A verb that changes a leased job carries its fence token, and a
 * stale token changes nothing. Nothing finished stays in Redis: a job that is buried lies in PostgreSQL (db_dead.h), and is
 * finished here.
 *
 * Redis is disposable: what is owed is known from PostgreSQL. All calls answer through their functions once, from the loop;
 * an err of ERR_QUEUE on push means unknown, not failed, and pushing again is harmless.
 */
#ifndef PIXMILL_QUEUE_QUEUE_H
#define PIXMILL_QUEUE_QUEUE_H

#include "common/base/err.h"
#include "common/job/job.h"

#include <stddef.h>
#include <stdint.h>

enum { QUEUE_TAKE_MAX = 32, QUEUE_PUSH_MAX = 256, QUEUE_WORKERS_MAX = 256, QUEUE_WORKER_JOBS = 16 };

/* what names a worker among others: host, process id, and something random */
enum { QUEUE_HOLDER_BYTES = 64 };

struct loop;
struct redis;
struct queue;

struct queue_lease {
    char id[JOB_ID_BYTES]; /* the job's name */
    uint64_t fence;        /* the token of this lease */
};

struct queue_taken {
    struct queue_lease lease;
    struct job job;  /* where is_known */
    int lost_leases; /* how often a lease on it ran out since it was pushed or retried */
    bool
        is_known; /* false: the payload is no job of a known version; a letter is written, and it is finished */
};

/* A queue on two connections that the caller keeps open longer: one for verbs, one for waiting. Freed with queue_free. */
struct queue *queue_new(struct loop *loop, struct redis *verbs, struct redis *waits, const char *prefix);

/* Frees; nothing may be pending. */
void queue_free(struct queue *queue);

/* Puts a job at the end of its class, in the line of `uploader` (an API key's id; 0: none), delay_ms from now. */
void queue_push(struct queue *queue, const struct job *job, int64_t uploader, uint64_t delay_ms, done_fn done,
                void *owner);

/* A job to be pushed with others. */
struct queue_pushing {
    struct job job;
    int64_t uploader; /* as of queue_push */
};

/*
 * Pushes up to QUEUE_PUSH_MAX jobs without delay, in one call; those that are pending stay as they are. *added is how many
 * were not.
 */
void queue_push_many(struct queue *queue, const struct queue_pushing *jobs, size_t count, size_t *added,
                     done_fn done, void *owner);

/*
 * Promotes what is due, takes back leases that ran out, and leases up to `most` (<= QUEUE_TAKE_MAX) jobs, chosen by class
 * weight and round-robin among uploaders, for lease_ms. Fills taken[] and *count before done.
 */
void queue_take(struct queue *queue, size_t most, uint64_t lease_ms, struct queue_taken *taken, size_t *count,
                done_fn done, void *owner);

/* Prolongs leases by lease_ms from now; is_held[i] tells which are still ours. */
void queue_renew(struct queue *queue, const struct queue_lease *leases, size_t count, uint64_t lease_ms,
                 bool *is_held, done_fn done, void *owner);

/* Removes finished jobs; those whose token is stale are left alone. */
void queue_finish(struct queue *queue, const struct queue_lease *leases, size_t count, done_fn done,
                  void *owner);

/*
 * Gives a leased job back with its new counts, takable after delay_ms. *is_held false: the token was stale. Lost leases are
 * counted from 0 again: where they matter, they are in job->crashes by now.
 */
void queue_retry(struct queue *queue, const struct queue_lease *lease, const struct job *job,
                 uint64_t delay_ms, bool *is_held, done_fn done, void *owner);

/* Gives a leased job back unchanged, at the front of its line: it was never started. */
void queue_give_back(struct queue *queue, const struct queue_lease *leases, size_t count, done_fn done,
                     void *owner);

/*
 * Answers when a job may be there or after at most timeout_ms, whichever is first; err where Redis can't be asked. One wait
 * at a time. Jobs that get ready by time alone (delays, lost leases) are only seen by a queue_take, and wake nobody. Where the take
 * before this wait found nothing, the wait ends when the first that it foresaw is due; for those delayed since by others, timeout_ms
 * is also how late an idle worker may notice them.
 */
void queue_wait(struct queue *queue, uint64_t timeout_ms, done_fn done, void *owner);

struct queue_stats {
    int64_t ready[3];         /* by class */
    int64_t oldest_age_ms[3]; /* by class: of the jobs that are next in a line; 0: none */
    int64_t delayed;
    int64_t leased;
    int64_t jobs;     /* payloads kept: ready + delayed + leased */
    int64_t finished; /* so far, since Redis was empty */
    int64_t expired;  /* leases that ran out so far, since Redis was empty */
    bool is_paused;   /* nothing is handed out */
};

/* Counts. Looks at a bounded number of lines of each class: where there are more, the age is of those. */
void queue_stats(struct queue *queue, struct queue_stats *stats, done_fn done, void *owner);

/* Stops handing out jobs, or goes on; pushes and what is leased go on either way. PostgreSQL remembers it (db_control.h). */
void queue_set_paused(struct queue *queue, bool is_paused, done_fn done, void *owner);

/*
 * The comparison of the queue with PostgreSQL, which one worker makes at a time.
 *
 * Redis may lose what it knew: emptied, restored from an old file, replaced, a replica promoted. So the queue has an epoch: the
 * server (its run id and its replication id, INFO) under which it was last compared with all that is owed. Where that key is
 * gone or names another, everything must be pushed again: a rebuild. So it must where jobs are in no place, since Redis threw
 * keys away; they are all forgotten then. Otherwise a sweep is the reconciler's ordinary round.
 */
struct queue_sweep {
    bool is_ours;    /* false: somebody else does it; the rest is not filled */
    bool is_rebuild; /* the epoch differs, or was dropped just now */
    int64_t after;   /* where to go on: what the last mark of this sweep said; 0: from the start */
};

/* Asks for the sweep, for hold_ms; who has it may ask again. holder: at most QUEUE_HOLDER_BYTES - 1 characters. */
void queue_sweep(struct queue *queue, const char *holder, uint64_t hold_ms, struct queue_sweep *sweep,
                 done_fn done, void *owner);

/*
 * Tells how far the sweep has come, and keeps it for hold_ms more; is_done ends it, and a rebuild with it: the epoch is
 * set. *is_held false: the sweep is somebody else's by now, or Redis was emptied or replaced meanwhile; nothing was changed.
 */
void queue_sweep_mark(struct queue *queue, const char *holder, int64_t after, bool is_done, uint64_t hold_ms,
                      bool *is_held, done_fn done, void *owner);

/* What a worker tells of itself, for operators. */
struct queue_worker {
    char holder[QUEUE_HOLDER_BYTES];
    char state[16]; /* "working", "paused", "stopping" */
    int64_t codecs;
    int64_t codecs_busy;
    int64_t in_hand;                            /* jobs */
    int64_t taken;                              /* jobs so far */
    int64_t codec_us;                           /* that an image takes of a codec, on average */
    int64_t started_at_ms;                      /* wall clock */
    size_t job_count;                           /* of jobs[] */
    char jobs[QUEUE_WORKER_JOBS][JOB_ID_BYTES]; /* names of jobs in hand, the first of them */
    int64_t age_ms;                             /* since it told this; filled by queue_workers */
};

/* Tells it; forgotten after live_ms. */
void queue_beat(struct queue *queue, const struct queue_worker *worker, uint64_t live_ms, done_fn done,
                void *owner);

/* Fills up to QUEUE_WORKERS_MAX workers that told lately, by holder. */
void queue_workers(struct queue *queue, struct queue_worker *workers, size_t *count, done_fn done,
                   void *owner);

#endif
