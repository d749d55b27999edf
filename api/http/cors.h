// SPDX-License-Identifier: Apache-2.0
/*
 * Cross-origin requests of browsers (WHATWG Fetch, CORS protocol): which fields an answer gets. Pure. No credentials are allowed
 * across origins: keys travel in Authorization, which the page sets itself.
 */
#ifndef PIXMILL_HTTP_CORS_H
#define PIXMILL_HTTP_CORS_H

#include <stdbool.h>

struct cors_question {
    const char *origins;        /* the operator's list, separated by commas; "*" for all; "" for none */
    const char *origin;         /* Origin of the request; NULL where absent */
    const char *request_method; /* Access-Control-Request-Method; NULL but in a preflight */
    bool is_options;
};

/* The values of the fields; NULL where the field is not sent. */
struct cors_answer {
    const char *allow_origin;   /* Access-Control-Allow-Origin: the request's origin, or "*" */
    const char *allow_methods;  /* Access-Control-Allow-Methods */
    const char *allow_headers;  /* Access-Control-Allow-Headers */
    const char *expose_headers; /* Access-Control-Expose-Headers */
    const char *max_age;        /* Access-Control-Max-Age */
    const char *vary;           /* Vary: "Origin" where answers differ by it, allowed or not */
    bool is_preflight; /* the request asks for leave only: 204 and these fields are the whole answer */
};

/* What the answer says. The strings are the question's or static. */
struct cors_answer cors_decide(const struct cors_question *question);

#endif
