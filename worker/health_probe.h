// SPDX-License-Identifier: Apache-2.0
/*
 * Asks another process' health responder, blocking: what `pixmill-worker --check-health` does in a container.
 */
#ifndef PIXMILL_WORKER_HEALTH_PROBE_H
#define PIXMILL_WORKER_HEALTH_PROBE_H

#include "common/base/err.h"

#include <stdint.h>

/*
 * GETs /healthz of "host:port" (0.0.0.0 and :: are asked at the loopback address) within timeout_ms for each step.
 * Returns 0 for a 200, or -1 with ERR_INTERNAL.
 */
int health_probe(const char *listen, uint64_t timeout_ms, struct err *err) MUST_CHECK;

#endif
