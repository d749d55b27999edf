// SPDX-License-Identifier: Apache-2.0
/*
 * One job, from bytes to variants, without a word about processes and sockets: what main.c runs for each JOB frame, and what
 * tests and the fuzz target run without a cage. library_start must have been called.
 */
#ifndef PIXMILL_CODEC_CODEC_H
#define PIXMILL_CODEC_CODEC_H

#include "worker/wire/wire.h"

/* Where a job's results go as they come. Each returns 0, or -1 with *err, which ends the job with that error. */
struct codec_output {
    void *owner;
    /* the header was read and is within the limits; called once, before anything is decoded */
    int (*head)(void *owner, const struct wire_head *head, struct err *err);
    /* a variant is ready; `data` has variant->bytes bytes, none where it is left out, and lives until the return */
    int (*variant)(void *owner, const struct wire_variant *variant, const unsigned char *data,
                   struct err *err);
};

/*
 * Runs a job over the original's bytes. Each variant of the profile is given out once, those that are made fast first. Returns 0 with *done filled but for
 * peak_bytes, or -1 with
 * ERR_UNSUPPORTED_FORMAT, ERR_INVALID_IMAGE, ERR_TOO_SMALL, ERR_TOO_LARGE, ERR_CORRUPT_IMAGE, ERR_OUT_OF_MEMORY, ERR_INTERNAL,
 * or what the output said.
 *
 * fail_on: with WIRE_FAIL_ON_ERROR every pixel must decode; with WIRE_FAIL_ON_TRUNCATED the file must be whole to its end
 * marker too; with WIRE_FAIL_ON_WARNING decoders may not even warn.
 */
int codec_run(const struct wire_job *job, const unsigned char *data, size_t bytes,
              const struct codec_output *output, struct wire_done *done, struct err *err) MUST_CHECK;

#endif
