// SPDX-License-Identifier: Apache-2.0
/*
 * What to answer to a request for a file: conditions and ranges (RFC 9110, 13 and 14). Pure.
 */
#ifndef PIXMILL_HANDLER_MEDIA_ANSWER_H
#define PIXMILL_HANDLER_MEDIA_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

struct arena;

struct media_file {
    const char *name;
    const char *sha256; /* hexadecimal; NULL where unknown */
    int64_t bytes;
    int64_t changed_us; /* wall clock */
};

/* Fields of a GET or HEAD; each NULL where absent. */
struct media_question {
    bool is_head; /* has no ranges (RFC 9110, 14.2) */
    const char *if_match;
    const char *if_unmodified_since;
    const char *if_none_match;
    const char *if_modified_since;
    const char *if_range;
    const char *range;
};

struct media_answer {
    int status;                /* 200, 206, 304, 412 or 416 */
    const char *etag;          /* strong */
    const char *last_modified; /* HTTP date */
    const char *content_range; /* NULL but with 206 and 416 */
    int64_t offset;            /* of the first byte that is sent */
    int64_t bytes;             /* that are sent; 0 with 304, 412 and 416 */
};

/* Decides and fills *out; its texts are in the arena. */
void media_decide(struct arena *arena, const struct media_file *file, const struct media_question *question,
                  struct media_answer *out);

#endif
