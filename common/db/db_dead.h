// SPDX-License-Identifier: Apache-2.0
/*
 * Dead letters: jobs that were given up on, with what is known of why. They lie in PostgreSQL, so that an emptied Redis loses
 * none; an image that is failed by one is so in the same transaction (db_image_failed). A job has at most one. A letter goes when its
 * image is asked for again, by whatever way.
 */
#ifndef PIXMILL_DB_DB_DEAD_H
#define PIXMILL_DB_DB_DEAD_H

#include "common/base/err.h"
#include "common/job/job.h"

#include <stddef.h>
#include <stdint.h>

enum { DB_DEAD_PORTION = 500 };

struct arena;
struct db;

struct db_dead {
    int64_t id;
    const char *job;      /* its name in the queue, "IMAGE.GENERATION" */
    int64_t image;        /* 0: not known, the job could not be read */
    int64_t generation;   /* 0: not known */
    const char *reason;   /* an err_word */
    const char *sentence; /* the last error, for the operator */
    int attempts;
    int crashes;
    const char *enqueued_at; /* RFC 3339 UTC; NULL: not known */
    const char *buried_at;   /* RFC 3339 UTC */
};

/* Which letters; what is NULL or 0 does not count, so all zero means all. ERR_INVALID where a time is none. */
struct db_dead_filter {
    const char *reason;
    const char *buried_before; /* RFC 3339 */
    const char *buried_after;
    const int64_t *ids;
    size_t id_count;
};

/*
 * Fills a page of at most `limit` letters, by id: those after `place`, or with is_backward the last before it (in the same
 * order); place 0: from the start.
 */
struct db_dead_page {
    struct db_dead_filter filter;
    int64_t place;
    bool is_backward;
    size_t limit;
};
void db_dead_list(struct db *db, struct arena *arena, const struct db_dead_page *page, struct db_dead **out,
                  size_t *count, done_fn done, void *owner);

/* An image that is owed again: what the queue is to be told. */
struct db_dead_retried {
    int64_t image;
    int64_t generation;
    int64_t key;
    enum job_class class;
};

/*
 * Takes up to DB_DEAD_PORTION letters that match, and makes their images pending with a new generation, in one transaction. *taken counts
 * the letters, and out[] (DB_DEAD_PORTION places) has those of them whose image is there and was failed: the caller pushes them. Repeat until
 * *taken is 0. A letter of a refinement has a ready image, which is owed its refinement again; reconcilers push that.
 */
void db_dead_retry(struct db *db, const struct db_dead_filter *filter, struct db_dead_retried *out,
                   size_t *count, size_t *taken, done_fn done, void *owner);

/* Drops up to DB_DEAD_PORTION letters that match; their images stay as they are. Repeat until *dropped is 0. */
void db_dead_drop(struct db *db, const struct db_dead_filter *filter, size_t *dropped, done_fn done,
                  void *owner);

/* Writes a letter for a job of which only its name is known; no image changes. */
void db_dead_note(struct db *db, const char *job, const char *reason, const char *sentence, done_fn done,
                  void *owner);

/* How many there are. */
void db_dead_count(struct db *db, int64_t *count, done_fn done, void *owner);

#endif
