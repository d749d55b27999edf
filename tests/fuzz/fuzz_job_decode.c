// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a job: decoding must not read past them, and what it takes must come back the same after an encode.
 */
#include "common/job/job.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static bool is_same(const struct job *a, const struct job *b)
{
    return a->type == b->type && a->image == b->image && a->generation == b->generation &&
           a->attempt == b->attempt && a->crashes == b->crashes && a->class == b->class &&
           a->enqueued_at_ms == b->enqueued_at_ms && strcmp(a->trace, b->trace) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct job job;
    struct job again;
    struct err err;
    unsigned char out[JOB_MAX_BYTES];
    if (job_decode(data, bytes, &job, &err) != 0) {
        return 0;
    }
    size_t encoded = job_encode(&job, out);
    if (job_decode(out, encoded, &again, &err) != 0 || !is_same(&job, &again)) {
        abort();
    }
    return 0;
}
