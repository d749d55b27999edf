// SPDX-License-Identifier: Apache-2.0
/*
 * Finds the route of a method and path in a table. Pure.
 *
 * A pattern is a path whose parts are words or parameters: "/api/products/{slug}/images/{id}/". A parameter takes one part that
 * is not empty; "{name*}" as the last part takes all that is left. A last slash counts neither in the pattern nor in the path.
 * Of the patterns that a path fits, the one with the fewest parameters is meant, and only its rows count: "/dead/retry/" is an
 * address of its own beside "/dead/{id}/".
 */
#ifndef PIXMILL_ROUTE_ROUTER_H
#define PIXMILL_ROUTE_ROUTER_H

#include "api/http/request.h"

#include <stdbool.h>
#include <stddef.h>

enum { ROUTE_MAX_PARAMS = 4 };

/* Who may call a route. */
enum route_access {
    ROUTE_OPEN,   /* anybody, always: health checks */
    ROUTE_READ,   /* anybody, unless reads are closed; then any valid key */
    ROUTE_UPLOAD, /* a key with this scope; the same for the next two */
    ROUTE_OPERATE,
    ROUTE_ADMIN
};

struct call;

struct route {
    enum http_method method; /* a HTTP_GET_ row serves HEAD too */
    enum route_access access;
    const char *pattern;
    void (*handle)(struct call *call);
};

struct route_param {
    const char *name;
    const char *value;
};

struct route_match {
    const struct route *route; /* NULL where no row fits both method and path */
    unsigned methods; /* bits 1 << enum http_method of rows that fit the path; 0: there is no such path */
    size_t count;
    struct route_param params[ROUTE_MAX_PARAMS]; /* of `route`, in the arena */
};

/* Looks a decoded path up in `count` rows and fills *match. */
void router_match(const struct route *routes, size_t count, struct arena *arena, enum http_method method,
                  const char *path, struct route_match *match);

/* The value of the Allow field (RFC 9110, 10.2.1) for match->methods: "GET, HEAD, OPTIONS". In the arena. */
const char *router_allow(struct arena *arena, unsigned methods);

#endif
