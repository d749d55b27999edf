// SPDX-License-Identifier: Apache-2.0
/*
 * From a request to its handler: the table of routes, and what happens before a handler is called.
 */
#ifndef PIXMILL_API_ROUTES_H
#define PIXMILL_API_ROUTES_H

#include "common/base/err.h"

struct request;

/* Takes a request of the listener. owner: the struct service. */
void routes_on_request(void *owner, struct request *request);

/* Answers a request that the HTTP layer refused. owner: the struct service. */
void routes_on_refusal(void *owner, struct request *request, const struct err *err);

#endif
