// SPDX-License-Identifier: Apache-2.0
/*
 * Where a request's body ends (RFC 9112, 6.2 and 7.1): by its length, or in chunks. Pure: takes the bytes of a connection in
 * pieces of any size and leaves the body's own bytes of each piece in one run. Stricter than the RFC has to be: only CRLF ends a
 * line, and sizes, extensions and trailers are bounded. Extensions and trailers are read over.
 */
#ifndef PIXMILL_HTTP_FRAMING_H
#define PIXMILL_HTTP_FRAMING_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    FRAMING_EXTENSION_BYTES = 4096, /* of all chunk extensions of a body */
    FRAMING_TRAILER_BYTES = 4096    /* of all trailer fields of a body */
};

enum framing_place {
    FRAMING_LENGTH, /* in a body of known length */
    FRAMING_SIZE,   /* at a chunk's size: first digit */
    FRAMING_SIZE_MORE,
    FRAMING_EXTENSION,
    FRAMING_SIZE_LF,
    FRAMING_DATA,
    FRAMING_DATA_CR,
    FRAMING_DATA_LF,
    FRAMING_TRAILER, /* at the start of a trailer line, or of the empty line */
    FRAMING_TRAILER_NAME,
    FRAMING_TRAILER_VALUE,
    FRAMING_TRAILER_LF,
    FRAMING_END_LF,
    FRAMING_END,
    FRAMING_BAD
};

struct framing {
    enum framing_place place;
    uint64_t left;    /* bytes of the body or chunk still to come */
    size_t digits;    /* of the chunk's size */
    size_t extension; /* bytes of extensions so far */
    size_t trailer;   /* bytes of trailers so far */
};

/* A body of `bytes` bytes, 0 for none. */
void framing_start_length(struct framing *framing, uint64_t bytes);

/* A body in chunks. */
void framing_start_chunked(struct framing *framing);

/* True where the body has ended. */
bool framing_is_done(const struct framing *framing);

/*
 * Takes bytes up to the end of the body: *taken tells how many. The body's own bytes among them are moved to the front of data
 * (which is changed even so far as it is not the body's): *body_bytes of them. Returns 0, or -1 with ERR_BAD_REQUEST.
 */
int framing_feed(struct framing *framing, char *data, size_t bytes, size_t *taken, size_t *body_bytes,
                 struct err *err) MUST_CHECK;

#endif
