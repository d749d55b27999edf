// SPDX-License-Identifier: Apache-2.0
/*
 * How often each API key may come: `rate` times a second, and as many at once after a second of rest (the generic cell rate
 * algorithm: one moment a key says all). A table of fixed size. Where it is full, the key gives way that would be let in
 * soonest: one that has rested is not known any more, and loses nothing by it. Pure.
 */
#ifndef PIXMILL_HANDLER_KEY_RATE_H
#define PIXMILL_HANDLER_KEY_RATE_H

#include <stddef.h>
#include <stdint.h>

enum { KEY_RATE_WAYS = 4, KEY_RATE_SETS = 1024 };

struct key_rate {
    uint64_t rate; /* a second; 0: no limit */
    struct {
        int64_t key;      /* 0: nobody */
        uint64_t free_us; /* when all that it has taken is paid for */
    } slots[KEY_RATE_SETS][KEY_RATE_WAYS];
};

/* An empty table, on the heap; free() ends it. */
struct key_rate *key_rate_new(int64_t rate);

/* Takes one turn of a key (0: nobody's, which has no limit). Returns 0, or in how many microseconds it may come again. */
uint64_t key_rate_take(struct key_rate *rates, int64_t key, uint64_t now_us);

#endif
