// SPDX-License-Identifier: Apache-2.0
/*
 * W3C Trace Context, level 1 (www.w3.org/TR/trace-context-1): which trace a request or job belongs to, as told by the header
 * `traceparent`. We take part in a trace, and record none ourselves: the trace's id goes along into jobs and log lines.
 * `tracestate` is not kept, as 3.3 allows.
 */
#ifndef PIXMILL_BASE_TRACE_H
#define PIXMILL_BASE_TRACE_H

#include "common/base/err.h"

/* with the NUL */
enum { TRACE_ID_BYTES = 33, TRACE_SPAN_BYTES = 17, TRACE_PARENT_BYTES = 56 };

struct trace {
    char id[TRACE_ID_BYTES];     /* of the whole trace: 32 lower-case hexadecimal digits, not all 0 */
    char span[TRACE_SPAN_BYTES]; /* of one's part in it: 16 of them */
    bool is_sampled;             /* whoever began it records it */
};

/*
 * Reads a traceparent. Version 00 is exactly "00-ID-SPAN-FLAGS"; a version that is not known yet may go on after that with "-"
 * and anything; ff is none. Returns 0, or -1 (out untouched) where it is malformed: a new trace is begun then.
 */
int trace_read(const char *parent, struct trace *out) MUST_CHECK;

/* The trace of work that a peer asks for with `parent` (NULL: it sent none): goes on with the peer's, or a new one; the span is always new. */
void trace_begin(const char *parent, struct trace *out);

/* Writes a traceparent of version 00, for whoever goes on from here. */
void trace_write(const struct trace *trace, char out[TRACE_PARENT_BYTES]);

/* Writes the trace's id of a traceparent, "" where that is malformed or empty: for log lines. */
void trace_write_id(const char *parent, char out[TRACE_ID_BYTES]);

#endif
