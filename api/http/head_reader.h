// SPDX-License-Identifier: Apache-2.0
/*
 * Collects the head of a request (RFC 9112, 2.1: request line, fields, empty line) and refuses at once what two parsers could
 * read in two ways: bare CR or LF, folded lines, blanks before a colon, control bytes, names that are no tokens, more than one
 * blank between the words of the request line. Pure: bytes in, in pieces of any size; embedded in its owner. What the words
 * mean is parse.h's.
 */
#ifndef PIXMILL_HTTP_HEAD_READER_H
#define PIXMILL_HTTP_HEAD_READER_H

#include "common/base/buf.h"

enum { HEAD_URI_BYTES = 8192 }; /* longest request target; RFC 9110, 4.1 asks for 8000 at least */

enum head_place {
    HEAD_START,      /* before the request line; empty lines are skipped */
    HEAD_START_LF,   /* after the CR of an empty line */
    HEAD_LINE,       /* in the request line */
    HEAD_LINE_LF,    /* after its CR */
    HEAD_NAME_FIRST, /* at the start of a field, or of the empty line */
    HEAD_NAME,
    HEAD_VALUE,
    HEAD_VALUE_LF,
    HEAD_END_LF, /* after the CR of the empty line */
    HEAD_END,
    HEAD_BAD
};

struct head_reader {
    struct buf text;    /* the head as it came, without the empty lines before it; owned */
    size_t max_bytes;   /* of the head */
    size_t max_headers; /* field lines */
    enum head_place place;
    size_t skipped;   /* bytes of empty lines before the request line */
    size_t words;     /* blanks seen in the request line */
    size_t uri_bytes; /* bytes of its second word */
    size_t headers;   /* field lines begun */
};

/* An empty reader with its limits. */
void head_reader_init(struct head_reader *reader, size_t max_bytes, size_t max_headers);

/* Frees the collected text; the reader is ready for the next head. */
void head_reader_release(struct head_reader *reader);

/* True where the first byte of a request line has come. */
bool head_reader_has_begun(const struct head_reader *reader);

/*
 * Takes bytes up to the end of the head; *taken tells how many, and reader->place is HEAD_END when the head is whole. Returns 0,
 * or -1 with ERR_BAD_REQUEST, ERR_URI_TOO_LONG or ERR_HEADERS_TOO_LARGE.
 */
int head_reader_feed(struct head_reader *reader, const char *data, size_t bytes, size_t *taken,
                     struct err *err) MUST_CHECK;

#endif
