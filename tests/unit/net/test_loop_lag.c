// SPDX-License-Identifier: Apache-2.0
#include "common/net/loop_lag.h"

#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { BUSY_US = (LOOP_LAG_LATE_MS + 20) * 1000 };

/* A loop that is kept busy `spins` times, each followed by two looks or so. */
struct world {
    struct loop *loop;
    struct loop_lag lag;
    struct deadline next;
    uint64_t busy_us;
    int spins;
    int told;
    uint64_t told_us;
    uint64_t taken_us;
};

static void on_late(void *owner, uint64_t away_us)
{
    struct world *world = owner;
    world->told++;
    world->told_us = away_us;
}

static void spin(void *owner)
{
    struct world *world = owner;
    if (world->spins-- == 0) {
        world->taken_us = loop_lag_take_us(&world->lag);
        loop_lag_stop(&world->lag);
        return;
    }
    uint64_t end_us = clock_monotonic_us() + world->busy_us;
    while (clock_monotonic_us() < end_us) {
    }
    deadline_arm(&world->next, world->loop, 1300, spin, world);
}

static void run(struct world *world)
{
    world->loop = loop_new(NULL);
    loop_lag_start(&world->lag, world->loop, on_late, world);
    deadline_arm(&world->next, world->loop, 1, spin, world);
    loop_run(world->loop);
    loop_free(world->loop);
}

static void a_loop_that_was_away_is_told_of_once_a_minute(void **state)
{
    struct world world = {.spins = 2, .busy_us = BUSY_US};
    (void)state;
    run(&world);
    assert_int_equal(world.told, 1);
    assert_true(world.told_us >= BUSY_US);
    assert_true(world.taken_us >= BUSY_US);
    assert_int_equal(loop_lag_take_us(&world.lag), 0);
}

static void a_short_while_is_kept_and_not_told(void **state)
{
    struct world world = {.spins = 1, .busy_us = 20000};
    (void)state;
    run(&world);
    assert_true(world.taken_us >= 20000);
    /* a machine under load may keep us away for longer, and is told of rightly then */
    assert_true(world.told == 0 || world.told_us > LOOP_LAG_LATE_MS * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_was_away_is_told_of_once_a_minute),
        cmocka_unit_test(a_short_while_is_kept_and_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
