// SPDX-License-Identifier: Apache-2.0
/*
 * Tells the queue of a job that PostgreSQL already owes, for a client who waits for the answer. A push can not fail its caller: what
 * does not arrive is brought by the workers' reconciler. So the caller waits no longer than for a connection to Redis
 * (PIXMILL_REDIS_CONNECT_TIMEOUT_MS), and not at all while Redis is known to be away; the push goes on without it.
 */
#ifndef PIXMILL_HANDLER_JOB_PUSH_H
#define PIXMILL_HANDLER_JOB_PUSH_H

#include "common/job/job.h"

struct call;

/* Pushes in the line of the call's key. done(owner) is called once, never before this has returned. */
void job_push(struct call *call, const struct job *job, void (*done)(void *owner), void *owner);

#endif
