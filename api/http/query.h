// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a URL's query (WHATWG URL, application/x-www-form-urlencoded) and percent-encoding (RFC 3986, 2.1). Pure.
 */
#ifndef PIXMILL_HTTP_QUERY_H
#define PIXMILL_HTTP_QUERY_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* The decoded value of the first `name` in a query, in the arena; NULL where absent or not valid UTF-8. */
const char *query_value(struct arena *arena, const char *query, const char *name);

/* True where a query has the name, also where its value is not valid. */
bool query_has(struct arena *arena, const char *query, const char *name);

/* The first name in a query that is in neither list (each ended by NULL); NULL where all are. In the arena. */
const char *query_unknown(struct arena *arena, const char *query, const char *const *names,
                          const char *const *more);

/* Percent-decodes a path; NULL where an escape is broken, or makes a NUL or "/" , or the result is not UTF-8. */
char *query_decode_path(struct arena *arena, const char *path, size_t bytes);

/* Percent-encodes all but unreserved characters. */
char *query_encode(struct arena *arena, const char *text);

#endif
