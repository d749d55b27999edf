// SPDX-License-Identifier: Apache-2.0
/*
 * Typed values out of a path, a query, a form or a header. Pure, but for the call that is read.
 */
#ifndef PIXMILL_ROUTE_PARAMS_H
#define PIXMILL_ROUTE_PARAMS_H

#include "api/route/call.h"

#include <jansson.h>
#include <stdbool.h>

/* The value of a parameter of the route's pattern; the pattern must have it. */
const char *params_text(const struct call *call, const char *name);

/* A parameter that is an id (1 and up). Returns 0, or -1 with ERR_NOT_FOUND: nothing has such an id. */
int params_id(const struct call *call, const char *name, int64_t *id, struct err *err) MUST_CHECK;

/* The first value of a query field, or NULL. */
const char *params_query(const struct call *call, const char *name);

/* Reads "true", "false", "1", "0", "on", "off", "yes", "no" (any case). Returns 0, or -1 for anything else. */
int params_bool_of_text(const char *text, bool *out) MUST_CHECK;

/* True for a time of RFC 3339 ("2026-01-31T12:00:00.5Z", "...+01:00") that PostgreSQL can read. */
bool params_is_time(const char *text);

/*
 * The N of a "wait=N" preference (RFC 7240, 4.3) in a Prefer value, at most `most`; -1 where there is none or value is NULL.
 */
int params_wait_of_prefer(const char *value, int most);

/* What a client may say about an image when it uploads it. */
struct image_fields {
    const char *alt_text; /* "" where not given; so is caption */
    const char *caption;
    bool is_primary;
    int64_t order;
};

enum { IMAGE_TEXT_CHARACTERS = 200 };

/* The field of struct image_fields that a name means is set from text, in the arena. Faults go to *errors; an unknown name is no fault. */
void params_image_field(struct arena *arena, struct image_fields *fields, const char *name, const char *text,
                        json_t **errors);

/* True for a name that params_image_field knows. */
bool params_is_image_field(const char *name);

#endif
