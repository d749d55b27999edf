// SPDX-License-Identifier: Apache-2.0
/*
 * A W3C traceparent as 26 bytes instead of 55 characters, since every pending job holds one in Redis. Pure. Inside job only.
 */
#ifndef PIXMILL_JOB_JOB_TRACE_H
#define PIXMILL_JOB_JOB_TRACE_H

#include "common/job/job.h"

enum { JOB_TRACE_PACKED_BYTES = 26 }; /* version 1, trace id 16, parent id 8, flags 1 */

/* Packs "VV-TRACEID-PARENTID-FF"; returns 0, or -1 where trace is not of that form. */
int job_trace_pack(const char *trace, unsigned char out[JOB_TRACE_PACKED_BYTES]) MUST_CHECK;

/* The text again, in lower case. */
void job_trace_unpack(const unsigned char packed[JOB_TRACE_PACKED_BYTES], char trace[JOB_TRACE_BYTES]);

#endif
