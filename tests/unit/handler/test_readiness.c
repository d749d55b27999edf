// SPDX-License-Identifier: Apache-2.0
#include "api/handler/readiness.h"

#include "common/base/clock.h"
#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PROBES = 3 };

/* A part whose check answers when the test says so. */
struct fake {
    int asked;
    done_fn done;
    void *owner;
};

struct world {
    struct loop *loop;
    struct readiness *readiness;
    struct fake parts[READINESS_PARTS];
    struct readiness_probe probes[PROBES];
    int answers[PROBES];
};

static void fake_ask(void *part, done_fn done, void *owner)
{
    struct fake *fake = part;
    fake->asked++;
    fake->done = done;
    fake->owner = owner;
}

static void fake_answer(struct world *world, enum readiness_part part, bool is_up)
{
    struct err err = {.code = ERR_DATABASE};
    struct fake *fake = &world->parts[part];
    assert_non_null(fake->done);
    done_fn done = fake->done;
    fake->done = NULL;
    done(fake->owner, is_up ? NULL : &err);
}

static int start(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct readiness_check checks[READINESS_PARTS];
    world->loop = loop_new(NULL);
    for (int i = 0; i < READINESS_PARTS; i++) {
        checks[i] = (struct readiness_check){fake_ask, &world->parts[i]};
    }
    world->readiness = readiness_new(world->loop, checks);
    *state = world;
    return 0;
}

static int stop(void **state)
{
    struct world *world = *state;
    loop_run(world->loop);
    readiness_free(world->readiness);
    loop_free(world->loop);
    free(world);
    return 0;
}

static void ask(struct world *world, int probe)
{
    world->answers[probe] = 0;
    readiness_ask(world->readiness, &world->probes[probe], await_count, &world->answers[probe]);
    assert_int_equal(world->answers[probe], 0);
}

static void assert_told(const struct world *world, int probe, bool is_db_up, bool is_storage_up)
{
    assert_int_equal(world->answers[probe], 1);
    assert_int_equal(world->probes[probe].is_up[READINESS_DATABASE], is_db_up);
    assert_int_equal(world->probes[probe].is_up[READINESS_STORAGE], is_storage_up);
}

static void a_probe_is_answered_when_all_parts_have(void **state)
{
    struct world *world = *state;
    ask(world, 0);
    fake_answer(world, READINESS_STORAGE, true);
    assert_int_equal(world->answers[0], 0);
    fake_answer(world, READINESS_DATABASE, true);
    assert_told(world, 0, true, true);
    /* what was told does not count for the next */
    ask(world, 0);
    fake_answer(world, READINESS_DATABASE, false);
    fake_answer(world, READINESS_STORAGE, true);
    assert_told(world, 0, false, true);
    assert_int_equal(world->parts[READINESS_DATABASE].asked, 2);
}

static void many_probes_share_a_check(void **state)
{
    struct world *world = *state;
    ask(world, 0);
    ask(world, 1);
    fake_answer(world, READINESS_DATABASE, true);
    /* this one came after that answer: it has the database asked anew */
    ask(world, 2);
    assert_int_equal(world->parts[READINESS_DATABASE].asked, 2);
    assert_int_equal(world->parts[READINESS_STORAGE].asked, 1);
    fake_answer(world, READINESS_STORAGE, true);
    assert_told(world, 0, true, true);
    assert_told(world, 1, true, true);
    assert_int_equal(world->answers[2], 0);
    fake_answer(world, READINESS_DATABASE, false);
    assert_told(world, 2, false, true);
}

static void a_part_that_hangs_counts_as_down_and_is_not_asked_again(void **state)
{
    struct world *world = *state;
    uint64_t begun_us = clock_monotonic_us();
    ask(world, 0);
    fake_answer(world, READINESS_DATABASE, true);
    assert_true(await_reached(world->loop, &world->answers[0], 1));
    assert_told(world, 0, true, false);
    assert_true(clock_monotonic_us() - begun_us >= (READINESS_TIMEOUT_MS - 10) * 1000);
    ask(world, 1);
    fake_answer(world, READINESS_DATABASE, true);
    assert_true(await_reached(world->loop, &world->answers[1], 1));
    assert_told(world, 1, true, false);
    assert_int_equal(world->parts[READINESS_STORAGE].asked, 1);
    /* it comes back: who waits is told, who was answered is left alone */
    ask(world, 2);
    fake_answer(world, READINESS_STORAGE, true);
    fake_answer(world, READINESS_DATABASE, true);
    assert_told(world, 2, true, true);
    assert_told(world, 0, true, false);
    ask(world, 0);
    assert_int_equal(world->parts[READINESS_STORAGE].asked, 2);
    fake_answer(world, READINESS_STORAGE, true);
    fake_answer(world, READINESS_DATABASE, true);
    assert_told(world, 0, true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_probe_is_answered_when_all_parts_have, start, stop),
        cmocka_unit_test_setup_teardown(many_probes_share_a_check, start, stop),
        cmocka_unit_test_setup_teardown(a_part_that_hangs_counts_as_down_and_is_not_asked_again, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
