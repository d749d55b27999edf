// SPDX-License-Identifier: Apache-2.0
/*
 * Lists in pages by keyset: `?limit=` and an opaque `?cursor=`, which is base64url (RFC 4648, 5) of the last row's sort keys and a
 * check that binds them to one list. Pure. A cursor is short-lived: to change its form, change PAGING_VERSION, and old ones are
 * refused as forged.
 */
#ifndef PIXMILL_ROUTE_PAGING_H
#define PIXMILL_ROUTE_PAGING_H

#include "common/base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum { PAGING_VERSION = 1, PAGING_LIMIT = 50, PAGING_MAX_LIMIT = 200 };

/* Where a row stands in its list. */
struct paging_place {
    int64_t order;           /* 0 where the list is not ordered by it */
    const char *uploaded_at; /* RFC 3339; "" where the list is not ordered by it */
    int64_t id;              /* 1 and up */
};

struct paging {
    size_t limit; /* rows of a page */
    bool has_after;
    struct paging_place after; /* where has_after; in the arena */
};

/*
 * Reads limit and cursor of a query. list names the list that is paged ("products", "images of SLUG"): a cursor of another is
 * forged. Returns 0, or -1 with ERR_INVALID and the faults in *errors (the caller's).
 */
int paging_read(struct arena *arena, const char *query, const char *list, struct paging *paging,
                json_t **errors, struct err *err) MUST_CHECK;

/* The cursor of the page that starts after a place. In the arena. */
const char *paging_cursor(struct arena *arena, const char *list, const struct paging_place *place);

/* {"next", "previous", "results"}: results is taken over; next is the place that a further page starts after, NULL at the end. */
json_t *paging_answer(struct arena *arena, const char *url, const char *list, size_t limit,
                      const struct paging_place *next, json_t *results);

#endif
