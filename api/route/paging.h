// SPDX-License-Identifier: Apache-2.0
/*
 * Lists in pages by keyset, both ways: `?limit=` and an opaque `?cursor=`, which is base64url (RFC 4648, 5) of a direction, the sort
 * keys of the row beside the page, and a check that binds them to one list. Pure. A cursor is short-lived: to change its form,
 * change PAGING_VERSION, and old ones are refused as forged.
 *
 * A handler asks the database for one row more than the page holds, in the page's direction, to know whether the list goes on
 * there; paging_cut takes that row off. Walking back over rows that nobody changed gives the pages of the way there.
 */
#ifndef PIXMILL_ROUTE_PAGING_H
#define PIXMILL_ROUTE_PAGING_H

#include "common/base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum { PAGING_VERSION = 2, PAGING_LIMIT = 50, PAGING_MAX_LIMIT = 200 };

/* Where a row stands in its list. */
struct paging_place {
    int64_t order;           /* 0 where the list is not ordered by it */
    const char *uploaded_at; /* RFC 3339; "" where the list is not ordered by it */
    int64_t id;              /* 1 and up */
};

struct paging {
    size_t limit;              /* rows of a page */
    bool has_place;            /* false: the first page */
    bool is_backward;          /* the page ends before `place`, instead of starting after it */
    struct paging_place place; /* where has_place; in the arena */
};

/*
 * Reads limit and cursor of a query. list names the list that is paged ("products", "images of SLUG"): a cursor of another is
 * forged. Returns 0, or -1 with ERR_INVALID and the faults in *errors (the caller's).
 */
int paging_read(struct arena *arena, const char *query, const char *list, struct paging *paging,
                json_t **errors, struct err *err) MUST_CHECK;

/* The cursor of the page that starts after a place, or that ends before it. In the arena. */
const char *paging_cursor(struct arena *arena, const char *list, const struct paging_place *place,
                          bool is_backward);

/* What of the rows that were read is the page. */
struct paging_cut {
    size_t first; /* the page's first row among those read */
    size_t count;
    bool has_more; /* the list goes on in the page's direction */
    /* places of the page's first and last row; for the caller to fill where there are any */
    struct paging_place start;
    struct paging_place end;
};

/* Cuts `rows` rows, at most paging->limit + 1, all in the list's order whatever the direction. */
struct paging_cut paging_cut(const struct paging *paging, size_t rows);

/*
 * {"next", "previous", "results"}: results is taken over. url is the list's, with what filters it as a query. previous is null on the page that
 * the list starts with, next on the one that it ends with.
 */
json_t *paging_answer(struct arena *arena, const char *url, const char *list, const struct paging *paging,
                      const struct paging_cut *cut, json_t *results);

#endif
