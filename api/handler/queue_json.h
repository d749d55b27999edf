// SPDX-License-Identifier: Apache-2.0
/*
 * The queue as operators see it. Pure.
 */
#ifndef PIXMILL_HANDLER_QUEUE_JSON_H
#define PIXMILL_HANDLER_QUEUE_JSON_H

#include "api/handler/queue_view.h"

#include <jansson.h>

/* What is seen, as the contract has it. The caller owns it. */
json_t *queue_json(const struct queue_sight *sight, bool is_paused);

#endif
