// SPDX-License-Identifier: Apache-2.0
/*
 * A job: what a worker is told to do, as it travels through Redis. The row in PostgreSQL is the truth; a job only names it.
 *
 * Encoded as one msgpack map with string keys (msgpack spec, github.com/msgpack/msgpack): v, type, image, generation, class
 * and enqueued_at as integers; attempt and crashes as integers, left out where 0; trace as the 26 bytes that a traceparent
 * spells in hexadecimal, left out where there is none or it is malformed. Short, since a pending job may cost 200 bytes.
 * To change the format: add a key that readers may ignore and keep v, or raise JOB_VERSION and teach job_decode both for
 * one release.
 */
#ifndef PIXMILL_JOB_JOB_H
#define PIXMILL_JOB_JOB_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { JOB_VERSION = 1, JOB_MAX_BYTES = 512, JOB_TRACE_BYTES = 56, JOB_ID_BYTES = 48 };

/* PROCESS: make all variants. REFINE: make those again that were made in a hurry. */
enum job_type { JOB_PROCESS, JOB_REFINE };
enum job_class { JOB_HIGH, JOB_NORMAL, JOB_LOW };

struct job {
    enum job_type type;
    int64_t image;      /* id of the image's row */
    int64_t generation; /* the generation that is owed */
    int attempt;        /* attempts that failed and may pass so far */
    int crashes;        /* codec deaths and lost leases so far */
    enum job_class class;
    int64_t enqueued_at_ms;      /* wall clock */
    char trace[JOB_TRACE_BYTES]; /* W3C traceparent (www.w3.org/TR/trace-context), or "" */
};

/* Encodes a job. Returns the length in bytes, at most JOB_MAX_BYTES. */
size_t job_encode(const struct job *job, unsigned char out[JOB_MAX_BYTES]);

/*
 * Decodes bytes of any origin: every count and depth is checked before memory is used. Returns 0, or -1 with ERR_UNKNOWN_JOB
 * where the bytes are no job of a known version.
 */
int job_decode(const unsigned char *data, size_t bytes, struct job *job, struct err *err) MUST_CHECK;

/* Writes the job's name in the queue, "IMAGE.GENERATION", of a refinement "IMAGE.GENERATION.r": pushes are idempotent by it. */
void job_id(const struct job *job, char out[JOB_ID_BYTES]);

/* "high", "normal" or "low". */
const char *job_class_word(enum job_class class);

#endif
