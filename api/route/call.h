// SPDX-License-Identifier: Apache-2.0
/*
 * One request on its way through a handler: which route it met, who asks, and what belongs to it. It lives in the request's
 * arena, is the request's context, and goes with it.
 */
#ifndef PIXMILL_ROUTE_CALL_H
#define PIXMILL_ROUTE_CALL_H

#include "api/route/router.h"
#include "common/base/trace.h"

#include <stdint.h>

struct service;

/* Who asks. */
struct grant {
    int64_t key;     /* id of the API key; 0: none was needed */
    unsigned scopes; /* of enum db_scope */
};

struct call {
    struct service *service;
    struct request *request;
    struct arena *arena; /* the request's */
    struct route_match match;
    struct grant grant;
    uint64_t started_us;     /* monotonic */
    const struct err *fault; /* why it failed, for the log; NULL: it did not */
    const char *base_url;    /* what URLs in the answer start with, without a last slash */
    struct trace trace;      /* that the request is a part of, ours with a span of its own */
    void (*answered)(struct call *call, int status,
                     int64_t body_bytes); /* told with the answer; NULL: nobody */
};

#endif
