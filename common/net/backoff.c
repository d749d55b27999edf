// SPDX-License-Identifier: Apache-2.0
#include "common/net/backoff.h"

uint64_t backoff_ms(uint64_t first_ms, uint64_t most_ms, unsigned failures, uint64_t random)
{
    uint64_t top = first_ms < most_ms ? first_ms : most_ms;
    for (; failures > 0 && top > 0 && top < most_ms; failures--) {
        top = top > most_ms / 2 ? most_ms : 2 * top;
    }
    return top == UINT64_MAX ? random : random % (top + 1);
}
