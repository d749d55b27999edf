// SPDX-License-Identifier: Apache-2.0
#include "api/http/range.h"

#include <stdbool.h>
#include <strings.h>

/* Reads digits at *at; what does not fit becomes INT64_MAX. False where there is none. */
static bool read_position(const char **at, int64_t *position)
{
    const char *start = *at;
    int64_t value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        int digit = **at - '0';
        value = value > (INT64_MAX - digit) / 10 ? INT64_MAX : value * 10 + digit;
    }
    *position = value;
    return *at > start;
}

enum range_answer range_read(const char *value, int64_t size, int64_t *first, int64_t *last)
{
    static const char unit[] = "bytes=";
    int64_t from = 0;
    int64_t to = 0;
    if (value == NULL || strncasecmp(value, unit, sizeof unit - 1) != 0) {
        return RANGE_WHOLE;
    }
    const char *at = value + sizeof unit - 1;
    bool has_from = read_position(&at, &from);
    if (*at != '-') {
        return RANGE_WHOLE;
    }
    at++;
    bool has_to = read_position(&at, &to);
    if (*at != '\0' || (!has_from && !has_to) || (has_from && has_to && to < from)) {
        return RANGE_WHOLE;
    }
    if (!has_from) {
        /* the last `to` bytes */
        if (to == 0 || size == 0) {
            return RANGE_NO_BYTES;
        }
        from = to < size ? size - to : 0;
        to = size - 1;
    } else if (from >= size) {
        return RANGE_NO_BYTES;
    } else if (!has_to || to >= size) {
        to = size - 1;
    }
    *first = from;
    *last = to;
    return RANGE_PART;
}
