// SPDX-License-Identifier: Apache-2.0
#include "api/handler/key_rate.h"

#include "common/base/alloc.h"

enum { SECOND_US = 1000000 };

struct key_rate *key_rate_new(int64_t rate)
{
    struct key_rate *rates = alloc_zeroed(1, sizeof *rates);
    rates->rate = (uint64_t)rate;
    return rates;
}

/* Ids are given out one after the other, so that they spread over the sets by themselves. */
static uint64_t *moment_of(struct key_rate *rates, int64_t key)
{
    size_t set = (uint64_t)key % KEY_RATE_SETS;
    size_t chosen = 0;
    for (size_t way = 0; way < KEY_RATE_WAYS; way++) {
        if (rates->slots[set][way].key == key) {
            return &rates->slots[set][way].free_us;
        }
        if (rates->slots[set][way].free_us < rates->slots[set][chosen].free_us) {
            chosen = way;
        }
    }
    rates->slots[set][chosen].key = key;
    rates->slots[set][chosen].free_us = 0;
    return &rates->slots[set][chosen].free_us;
}

uint64_t key_rate_take(struct key_rate *rates, int64_t key, uint64_t now_us)
{
    if (rates->rate == 0 || key == 0) {
        return 0;
    }
    uint64_t *free_us = moment_of(rates, key);
    uint64_t each_us = SECOND_US / rates->rate;
    uint64_t ahead_us = each_us * (rates->rate - 1); /* of a key that came all at once */
    if (*free_us > now_us + ahead_us) {
        return *free_us - now_us - ahead_us;
    }
    *free_us = (*free_us > now_us ? *free_us : now_us) + each_us;
    return 0;
}
