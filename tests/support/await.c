// SPDX-License-Identifier: Apache-2.0
#include "tests/support/await.h"

#include "common/base/clock.h"
#include "common/net/loop.h"

enum { GIVE_UP_US = 60 * 1000 * 1000, LOOK_AGAIN_MS = 5 };

void await_done(void *owner, const struct err *err)
{
    struct await *await = owner;
    await->answers++;
    await->err = err == NULL ? (struct err){.code = ERR_NONE} : *err;
}

void await_count(void *count)
{
    ++*(int *)count;
}

static void on_tick(void *owner)
{
    (void)owner;
}

bool await_until(struct loop *loop, bool (*is_met)(void *owner), void *owner)
{
    uint64_t start_us = clock_monotonic_us();
    struct deadline tick = {.place = 0};
    while (!is_met(owner) && clock_monotonic_us() - start_us < GIVE_UP_US) {
        deadline_arm(&tick, loop, LOOK_AGAIN_MS, on_tick, NULL);
        uv_run(loop_uv(loop), UV_RUN_ONCE);
    }
    deadline_disarm(&tick);
    return is_met(owner);
}

bool await_reached(struct loop *loop, const int *count, int least)
{
    uint64_t start_us = clock_monotonic_us();
    struct deadline limit = {.place = 0};
    deadline_arm(&limit, loop, GIVE_UP_US / 1000, on_tick, NULL);
    while (*count < least && clock_monotonic_us() - start_us < GIVE_UP_US) {
        uv_run(loop_uv(loop), UV_RUN_ONCE);
    }
    deadline_disarm(&limit);
    return *count >= least;
}
