// SPDX-License-Identifier: Apache-2.0
/*
 * Counts of requests: how many of which route ended how, how long they took, what was refused and why. A route is told by its
 * pattern, never by the path that was asked: paths are without number.
 */
#ifndef PIXMILL_HANDLER_HTTP_METRICS_H
#define PIXMILL_HANDLER_HTTP_METRICS_H

#include "common/base/err.h"

#include <stdint.h>

struct call;
struct http_metrics;
struct metrics;

/* Counts into a registry, which outlives it. Never NULL. */
struct http_metrics *http_metrics_new(struct metrics *registry);
void http_metrics_free(struct http_metrics *http);

/* A request came to the routes. */
void http_metrics_begin(struct http_metrics *http);

/* It is answered now; body_bytes: of the answer. */
void http_metrics_end(struct http_metrics *http, const struct call *call, int status, int64_t body_bytes);

/* The HTTP layer refuses what never came to the routes. */
void http_metrics_refuse(struct http_metrics *http, const struct err *err);

#endif
