// SPDX-License-Identifier: Apache-2.0
#include "common/net/loop_lag.h"

#include "common/base/clock.h"

enum { LOOK_MS = 1000, LATE_US = LOOP_LAG_LATE_MS * 1000 };

static void look(void *owner)
{
    struct loop_lag *lag = owner;
    uint64_t away_us = loop_take_lag_us(lag->loop);
    uint64_t now_ms = clock_monotonic_us() / 1000;
    if (away_us > lag->longest_us) {
        lag->longest_us = away_us;
    }
    deadline_arm(&lag->look, lag->loop, LOOK_MS, look, lag);
    if (away_us > LATE_US && (lag->told_ms == 0 || now_ms - lag->told_ms >= LOOP_LAG_TELL_MS)) {
        lag->told_ms = now_ms;
        lag->on_late(lag->owner, away_us);
    }
}

void loop_lag_start(struct loop_lag *lag, struct loop *loop, void (*on_late)(void *owner, uint64_t away_us),
                    void *owner)
{
    *lag = (struct loop_lag){.loop = loop, .on_late = on_late, .owner = owner};
    deadline_arm(&lag->look, loop, LOOK_MS, look, lag);
}

uint64_t loop_lag_take_us(struct loop_lag *lag)
{
    uint64_t longest_us = lag->longest_us;
    lag->longest_us = 0;
    return longest_us;
}

void loop_lag_stop(struct loop_lag *lag)
{
    deadline_disarm(&lag->look);
}
