// SPDX-License-Identifier: Apache-2.0
#include "common/base/random.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *out, size_t bytes)
{
    char *at = out;
    while (bytes > 0) {
        ssize_t got = getrandom(at, bytes, 0);
        if (got < 0 && errno != EINTR) {
            abort();
        }
        if (got > 0) {
            at += got;
            bytes -= (size_t)got;
        }
    }
}

uint64_t random_below(uint64_t bound)
{
    /* values below 2^64 mod bound would make the first numbers likelier */
    uint64_t least = (0 - bound) % bound;
    uint64_t value = 0;
    do {
        random_bytes(&value, sizeof value);
    } while (value < least);
    return value % bound;
}

void random_uuid(char out[RANDOM_UUID_BYTES])
{
    unsigned char b[16];
    random_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(out, RANDOM_UUID_BYTES, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}
