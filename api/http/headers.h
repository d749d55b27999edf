// SPDX-License-Identifier: Apache-2.0
/*
 * A request's header fields, and small questions about their values (RFC 9110, 5). Pure.
 */
#ifndef PIXMILL_HTTP_HEADERS_H
#define PIXMILL_HTTP_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct header {
    const char *name;
    const char *value; /* without blanks around it */
};

struct headers {
    struct header *items; /* in the order of arrival; memory of the request's arena */
    size_t count;
};

/* True for the bytes of a token (RFC 9110, 5.6.2: tchar). */
bool headers_is_token_byte(unsigned char c);

/* How many fields have this name (in any case). */
size_t headers_count(const struct headers *headers, const char *name);

/* The value of the first field of this name; NULL where absent. */
const char *headers_first(const struct headers *headers, const char *name);

/* All values of this name joined with ", ", in the arena where there are several; NULL where absent. */
const char *headers_joined(const struct headers *headers, struct arena *arena, const char *name);

/* True where a field of this name lists `token` (in any case) between its commas. */
bool headers_has_token(const struct headers *headers, const char *name, const char *token);

/* True for a uri-host with an optional port (RFC 9110, 7.2; RFC 3986, 3.2.2), not empty. */
bool headers_is_host(const char *value);

#endif
