// SPDX-License-Identifier: Apache-2.0
/*
 * The Range field of a request for bytes (RFC 9110, 14.1.2 and 14.2). Pure. A single range is served; several are answered with
 * the whole, as the RFC allows.
 */
#ifndef PIXMILL_HTTP_RANGE_H
#define PIXMILL_HTTP_RANGE_H

#include <stdint.h>

enum range_answer {
    RANGE_WHOLE,   /* no range, one that is no byte range, a malformed one, or several: 200 with everything */
    RANGE_PART,    /* 206 with *first..*last */
    RANGE_NO_BYTES /* it lies outside: 416, whose Content-Range has a star in place of the positions */
};

/*
 * Reads a Range value (NULL: none) for something of `size` bytes. Fills *first and *last, both inclusive, for RANGE_PART only.
 */
enum range_answer range_read(const char *value, int64_t size, int64_t *first, int64_t *last);

#endif
