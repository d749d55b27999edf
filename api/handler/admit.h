// SPDX-License-Identifier: Apache-2.0
/*
 * The admission (admission.h) of a request: asks on its behalf, and answers it where it is refused.
 */
#ifndef PIXMILL_HANDLER_ADMIT_H
#define PIXMILL_HANDLER_ADMIT_H

#include "api/handler/admission.h"

struct call;

/* Lets an upload in: it holds *share. Returns 0, or -1 where the request has been answered with 503 or 429. */
int admit_upload(struct call *call, struct admission_share *share) MUST_CHECK;

/* The same for a request that brings work for the queue, but no file. */
int admit_job(struct call *call) MUST_CHECK;

#endif
