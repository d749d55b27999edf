// SPDX-License-Identifier: Apache-2.0
#include "common/job/job_trace.h"

#include "common/base/text.h"

#include <string.h>

static const unsigned char part_bytes[] = {1, 16, 8, 1};

enum { PARTS = sizeof part_bytes };

int job_trace_pack(const char *trace, unsigned char out[JOB_TRACE_PACKED_BYTES])
{
    if (strlen(trace) != JOB_TRACE_BYTES - 1) {
        return -1;
    }
    unsigned char packed[JOB_TRACE_PACKED_BYTES];
    unsigned char *to = packed;
    for (size_t i = 0; i < PARTS; i++) {
        char digits[2 * 16 + 1] = "";
        size_t count = 2 * (size_t)part_bytes[i];
        memcpy(digits, trace, count);
        if (text_of_hex(digits, to, part_bytes[i]) != 0 || trace[count] != (i + 1 < PARTS ? '-' : '\0')) {
            return -1;
        }
        trace += count + 1;
        to += part_bytes[i];
    }
    memcpy(out, packed, sizeof packed);
    return 0;
}

void job_trace_unpack(const unsigned char packed[JOB_TRACE_PACKED_BYTES], char trace[JOB_TRACE_BYTES])
{
    for (size_t i = 0; i < PARTS; i++) {
        text_hex(packed, part_bytes[i], trace);
        trace += 2 * (size_t)part_bytes[i];
        *trace++ = i + 1 < PARTS ? '-' : '\0';
        packed += part_bytes[i];
    }
}
