// SPDX-License-Identifier: Apache-2.0
#include "common/net/loop.h"

#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { MANY = 2000 };

struct one {
    struct deadline deadline;
    struct loop *loop;
    uint64_t after_ms;
    int fired;
    uint64_t *last_at_ms;
};

static void on_one(void *owner)
{
    struct one *one = owner;
    one->fired++;
    assert_false(deadline_is_armed(&one->deadline));
    /* in the order of their moments, and not before them */
    assert_true(one->deadline.at_ms >= *one->last_at_ms);
    assert_true(uv_now(loop_uv(one->loop)) >= one->deadline.at_ms);
    *one->last_at_ms = one->deadline.at_ms;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return *seed >> 33;
}

static void test_many_fire_once_in_order_and_the_disarmed_never(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    struct one *ones = calloc(MANY, sizeof *ones);
    uint64_t seed = 42;
    uint64_t last_at_ms = 0;
    for (size_t i = 0; i < MANY; i++) {
        ones[i].loop = loop;
        ones[i].last_at_ms = &last_at_ms;
        deadline_arm(&ones[i].deadline, loop, next_random(&seed) % 50, on_one, &ones[i]);
    }
    for (size_t i = 0; i < MANY; i += 3) {
        deadline_disarm(&ones[i].deadline);
        deadline_disarm(&ones[i].deadline);
        assert_false(deadline_is_armed(&ones[i].deadline));
    }
    for (size_t i = 1; i < MANY; i += 6) {
        deadline_arm(&ones[i].deadline, loop, next_random(&seed) % 50, on_one, &ones[i]);
    }
    loop_run(loop);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(ones[i].fired, i % 3 == 0 ? 0 : 1);
    }
    free(ones);
    loop_free(loop);
}

static void test_disarming_lets_the_loop_go(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    struct deadline deadline = {.place = 0};
    int fired = 0;
    deadline_arm(&deadline, loop, 3600000, await_count, &fired);
    deadline_disarm(&deadline);
    loop_run(loop);
    assert_int_equal(fired, 0);
    loop_free(loop);
}

struct pair {
    struct loop *loop;
    struct deadline first;
    struct deadline second;
    int fired;
};

static void on_first(void *owner)
{
    struct pair *pair = owner;
    pair->fired++;
    /* due by now or nearly: must not fire all the same */
    deadline_disarm(&pair->second);
}

static void on_second(void *owner)
{
    (void)owner;
    fail_msg("a deadline fired after it was disarmed");
}

static void test_one_that_fires_may_disarm_another_that_is_due(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    struct pair pair = {.loop = loop};
    deadline_arm(&pair.first, loop, 1, on_first, &pair);
    deadline_arm(&pair.second, loop, 1, on_second, &pair);
    loop_run(loop);
    assert_int_equal(pair.fired, 1);
    loop_free(loop);
}

static void on_again(void *owner)
{
    struct pair *pair = owner;
    if (++pair->fired < 10) {
        deadline_arm(&pair->first, pair->loop, 0, on_again, pair);
    }
}

static void test_arms_itself_again(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    struct pair pair = {.loop = loop};
    deadline_arm(&pair.first, loop, 0, on_again, &pair);
    assert_int_equal(pair.fired, 0);
    loop_run(loop);
    assert_int_equal(pair.fired, 10);
    loop_free(loop);
}

static void test_an_endless_wait_does_not_wrap(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    struct deadline endless = {.place = 0};
    struct deadline soon = {.place = 0};
    int fired = 0;
    deadline_arm(&endless, loop, UINT64_MAX, await_count, &fired);
    deadline_arm(&soon, loop, 1, await_count, &fired);
    assert_true(await_reached(loop, &fired, 1));
    assert_true(deadline_is_armed(&endless));
    assert_false(deadline_is_armed(&soon));
    deadline_disarm(&endless);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_fire_once_in_order_and_the_disarmed_never),
        cmocka_unit_test(test_disarming_lets_the_loop_go),
        cmocka_unit_test(test_one_that_fires_may_disarm_another_that_is_due),
        cmocka_unit_test(test_arms_itself_again),
        cmocka_unit_test(test_an_endless_wait_does_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
