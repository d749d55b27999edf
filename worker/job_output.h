// SPDX-License-Identifier: Apache-2.0
/*
 * The variants of one job on their way from memory files into the storage, and the removal of those that belong to
 * nobody in the end.
 *
 * A variant's name is made of the original's and the generation, not of the attempt: two workers that do the same job
 * (one of them believed dead) write the same bytes under the same names. So a name may only be removed where the row
 * says that it is not, and will not be, the name of a variant: see job_output_is_leftover.
 */
#ifndef PIXMILL_WORKER_JOB_OUTPUT_H
#define PIXMILL_WORKER_JOB_OUTPUT_H

#include "common/db/db_image.h"
#include "common/image/image_name.h"
#include "common/image/profile.h"
#include "worker/wire/wire.h"

struct arena;
struct job_output;
struct metric;
struct storage;

/* One variant. Inside job_output.c, but for its size. */
struct job_output_file {
    struct job_output *output;
    char name[IMAGE_NAME_BYTES];
    int fd;                            /* owned while it is stored; else -1 */
    char other_name[IMAGE_NAME_BYTES]; /* what an attempt of another pass stores; "" where there is none */
    bool is_stored;
    bool is_left_out;
    uint64_t began_us; /* when it was given to the storage */
};

struct job_output {
    enum image_name_pass pass; /* of the variants that may hurry; set before job_output_init */
    struct storage *storage;
    const struct profile *profile;
    struct job_output_file files[PROFILE_MAX_VARIANTS];
    struct db_variant variants[PROFILE_MAX_VARIANTS]; /* what the row will say, profile->count of them */
    size_t pending;                                   /* calls to the storage that have not answered */
    struct err err;                                   /* the first failure; ERR_NONE while there is none */
    struct metric *store_time;                        /* of a file; borrowed; NULL: not counted */
    void (*changed)(void *owner);
    void *owner;
};

/*
 * Makes the names. changed(owner) is called from the loop after each answer of the storage. Returns 0, or -1 with
 * ERR_INTERNAL where the original's name is not one of ours.
 */
int job_output_init(struct job_output *output, struct storage *storage, const struct profile *profile,
                    const char *original, int64_t generation, struct err *err) MUST_CHECK;

/* Stores a variant that a codec has made and codec_task has checked; fd becomes the output's. fd -1: it is left out. */
void job_output_store(struct job_output *output, const struct wire_variant *variant, int fd);

/*
 * Copies the first `most` variants to out, in the profile's order, but for those that are left out. Returns how many. They point
 * into the output and the profile.
 */
size_t job_output_list(const struct job_output *output, size_t most,
                       struct db_variant out[PROFILE_MAX_VARIANTS]);

/*
 * How many variants, from the first on, are there to be shown before the others are made: those that fit a box, which a profile has
 * first, take a fraction of the time. 0 while they are not all stored or left out, or where there is nothing that they would wait for.
 */
size_t job_output_early_count(const struct job_output *output);

/*
 * True where the variants of `generation` belong to nobody: the row is gone (row NULL), or neither waits for this
 * generation nor names them. Pure. Names that the row has are left alone by job_output_remove in any case.
 */
bool job_output_is_leftover(const struct db_image *row, int64_t generation);

/*
 * Lists the names under which an earlier attempt at the same generation may have stored files that this one has not: whether there is a
 * hurry is decided anew each time. They point into the output. Returns how many.
 */
size_t job_output_list_others(const struct job_output *output, const char *out[PROFILE_MAX_VARIANTS]);

/* Removes every name of this output, and of those others, that is not a variant of row (NULL: there is no row). */
void job_output_remove(struct job_output *output, const struct db_image *row);

#endif
