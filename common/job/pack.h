// SPDX-License-Identifier: Apache-2.0
/*
 * Reads msgpack (github.com/msgpack/msgpack/blob/master/spec.md) value by value from bytes of any origin. Pure, allocates
 * nothing, and never believes a count that the bytes which are left can not hold: msgpack-c's own unpacker reserves
 * gigabytes for a header of 5 bytes. For job and queue.
 *
 * Each reader returns 0 and moves on, or -1 where the next value is of another type or is cut; the place is undefined then.
 */
#ifndef PIXMILL_JOB_PACK_H
#define PIXMILL_JOB_PACK_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct pack {
    const unsigned char *at;
    size_t left; /* bytes from at to the end */
};

/* A map of *pairs keys with a value each follows. */
int pack_map(struct pack *pack, size_t *pairs) MUST_CHECK;

/* A string (any bytes, no NUL after them), which stays in the input. */
int pack_text(struct pack *pack, const unsigned char **text, size_t *bytes) MUST_CHECK;

/* Binary data, which stay in the input. */
int pack_binary(struct pack *pack, const unsigned char **data, size_t *bytes) MUST_CHECK;

/* An integer from least to most. */
int pack_int(struct pack *pack, int64_t least, int64_t most, int64_t *number) MUST_CHECK;

/* Any value, with all that it holds, however deep. */
int pack_skip(struct pack *pack) MUST_CHECK;

#endif
