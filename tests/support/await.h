// SPDX-License-Identifier: Apache-2.0
/*
 * Waiting for asynchronous answers in tests: the loop runs until a condition is met, or the test has waited
 * too long.
 */
#ifndef PIXMILL_TESTS_AWAIT_H
#define PIXMILL_TESTS_AWAIT_H

#include "common/base/err.h"

struct loop;

/* One answer of a done_fn; zero-initialized before the call. */
struct await {
    int answers;    /* must end as 1 */
    struct err err; /* ERR_NONE on success */
};

/* A done_fn whose owner is a struct await. */
void await_done(void *await, const struct err *err);

/* Counts one in the int that owner points to: for callbacks without an error. */
void await_count(void *count);

/* Runs the loop until *count >= least. Returns false after a minute. */
bool await_reached(struct loop *loop, const int *count, int least) MUST_CHECK;

/* Runs the loop until is_met(owner), looking again at least every few milliseconds; false after a minute. */
bool await_until(struct loop *loop, bool (*is_met)(void *owner), void *owner) MUST_CHECK;

#endif
