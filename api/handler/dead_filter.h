// SPDX-License-Identifier: Apache-2.0
/*
 * Which dead letters a client means: by a query or by a JSON object, with the same names. What is misspelt is refused and never
 * left out: a filter that lost a word would mean more letters than was said. Pure.
 */
#ifndef PIXMILL_HANDLER_DEAD_FILTER_H
#define PIXMILL_HANDLER_DEAD_FILTER_H

#include "common/db/db_dead.h"

#include <jansson.h>

struct arena;

enum { DEAD_FILTER_IDS = 1000 };

/*
 * Reads reason, buried_before, buried_after and ids (numbers with commas between them) of a query, in which only the names in
 * `others` (ended by NULL) may stand beside them. Returns 0, or -1 with ERR_INVALID and the faults in *errors (the
 * caller's). The filter's texts are in the arena.
 */
int dead_filter_of_query(struct arena *arena, const char *query, const char *const *others,
                         struct db_dead_filter *filter, json_t **errors, struct err *err) MUST_CHECK;

/* The same of an object, whose ids are a list of numbers. */
int dead_filter_of_json(struct arena *arena, json_t *body, struct db_dead_filter *filter, json_t **errors,
                        struct err *err) MUST_CHECK;

/* True where it means every letter. */
bool dead_filter_is_all(const struct db_dead_filter *filter);

/* What of a query such a filter is, with "?" before it; "" for every letter. In the arena. */
const char *dead_filter_query(struct arena *arena, const struct db_dead_filter *filter);

#endif
