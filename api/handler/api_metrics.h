// SPDX-License-Identifier: Apache-2.0
/*
 * The api's metrics and where they are read: GET /metrics of the public listener, or of a listener of its own
 * (PIXMILL_METRICS_LISTEN) which serves nothing else, and then not of the public one. Counting is done by http_metrics.h;
 * what is a state rather than a count is looked up when somebody reads.
 */
#ifndef PIXMILL_HANDLER_API_METRICS_H
#define PIXMILL_HANDLER_API_METRICS_H

#include "common/base/err.h"

struct api_metrics;
struct listener;
struct service;

/* Starts counting, and watching the loop. Never NULL. service outlives it; its loop, db, redis and config are there already. */
struct api_metrics *api_metrics_new(struct service *service);

/* Whose connections are counted; NULL: nobody's any more. */
void api_metrics_watch(struct api_metrics *metrics, const struct listener *listener);

/*
 * Listens where PIXMILL_METRICS_LISTEN says. Returns 0 with *listener (which the caller closes; untouched where the setting is empty), or
 * -1 with ERR_CONFIG.
 */
int api_metrics_listen(struct service *service, struct listener **listener, struct err *err) MUST_CHECK;

/* Watches the loop no more. */
void api_metrics_stop(struct api_metrics *metrics);

/* Frees; no request is left. NULL is allowed. */
void api_metrics_free(struct api_metrics *metrics);

#endif
