// SPDX-License-Identifier: Apache-2.0
/* A traceparent of any bytes: what is taken can be written, and reads back as the same. */
#include "common/base/trace.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char header[256];
    char text[TRACE_PARENT_BYTES];
    struct trace trace;
    struct trace again;
    if (bytes >= sizeof header) {
        return 0;
    }
    memcpy(header, data, bytes);
    header[bytes] = '\0';
    bool is_taken = trace_read(header, &trace) == 0;
    if (is_taken) {
        trace_write(&trace, text);
        assert(strlen(text) == TRACE_PARENT_BYTES - 1 && trace_read(text, &again) == 0);
        assert(strcmp(again.id, trace.id) == 0 && strcmp(again.span, trace.span) == 0);
        assert(again.is_sampled == trace.is_sampled);
    }
    struct trace begun;
    trace_begin(header, &begun);
    trace_write(&begun, text);
    assert(trace_read(text, &again) == 0);
    assert((strcmp(begun.id, is_taken ? trace.id : "") == 0) == is_taken);
    return 0;
}
