// SPDX-License-Identifier: Apache-2.0
#include "worker/breaker.h"

#include "common/net/loop.h"
#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* A thing that fails `failures` checks and works from then on. */
struct thing {
    struct loop *loop;
    struct breaker *breaker;
    struct loop_later later;
    done_fn done;
    void *owner;
    int failures;
    int checks;
    int changes;
    int closed;
};

static void answer(void *owner)
{
    struct thing *thing = owner;
    struct err err;
    err_set(&err, ERR_STORAGE, "away");
    thing->done(thing->owner, thing->checks > thing->failures ? NULL : &err);
}

static void check(void *subject, done_fn done, void *owner)
{
    struct thing *thing = subject;
    thing->checks++;
    thing->done = done;
    thing->owner = owner;
    loop_call_later(thing->loop, &thing->later, answer, thing);
}

static void open_thing(struct thing *thing, int failures)
{
    *thing = (struct thing){.failures = failures};
    thing->loop = loop_new(NULL);
    struct breaker_options options = {
        .name = "thing", .check = check, .subject = thing, .changed = await_count, .owner = &thing->changes};
    thing->breaker = breaker_open(thing->loop, &options);
}

static void close_thing(struct thing *thing)
{
    breaker_close(thing->breaker, await_count, &thing->closed);
    assert_int_equal(thing->closed, 0);
    loop_run(thing->loop);
    assert_int_equal(thing->closed, 1);
    loop_free(thing->loop);
}

static void test_opens_once_and_closes_when_the_thing_answers(void **state)
{
    (void)state;
    struct thing thing;
    open_thing(&thing, 2);
    assert_false(breaker_is_open(thing.breaker));
    breaker_trip(thing.breaker);
    breaker_trip(thing.breaker);
    assert_true(breaker_is_open(thing.breaker));
    assert_int_equal(thing.changes, 1);
    assert_true(await_reached(thing.loop, &thing.changes, 2));
    assert_false(breaker_is_open(thing.breaker));
    assert_int_equal(thing.checks, 3);
    close_thing(&thing);
}

static void test_a_question_tells_an_outage_from_a_fault_of_the_call(void **state)
{
    (void)state;
    struct thing thing;
    struct breaker_question first;
    struct breaker_question second;
    struct await away = {.answers = 0};
    struct await well = {.answers = 0};
    open_thing(&thing, 1);
    breaker_ask(thing.breaker, &first, await_done, &away);
    assert_int_equal(away.answers, 0);
    assert_true(await_reached(thing.loop, &away.answers, 1));
    assert_int_equal(away.err.code, ERR_STORAGE);
    assert_true(breaker_is_open(thing.breaker));
    breaker_ask(thing.breaker, &second, await_done, &well);
    assert_true(await_reached(thing.loop, &well.answers, 1));
    assert_int_equal(well.err.code, ERR_NONE);
    assert_int_equal(away.answers, 1);
    assert_false(breaker_is_open(thing.breaker));
    close_thing(&thing);
}

static void test_closes_in_the_middle_of_a_check_and_of_a_wait(void **state)
{
    (void)state;
    struct thing thing;
    open_thing(&thing, 1000);
    breaker_trip(thing.breaker);
    close_thing(&thing);
    open_thing(&thing, 1000);
    breaker_trip(thing.breaker);
    assert_true(await_reached(thing.loop, &thing.checks, 2));
    close_thing(&thing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens_once_and_closes_when_the_thing_answers),
        cmocka_unit_test(test_a_question_tells_an_outage_from_a_fault_of_the_call),
        cmocka_unit_test(test_closes_in_the_middle_of_a_check_and_of_a_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
