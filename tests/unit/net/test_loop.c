// SPDX-License-Identifier: Apache-2.0
#include "common/net/loop.h"

#include "common/base/clock.h"
#include "tests/support/await.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void test_returns_at_once_with_nothing_to_do(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    assert_non_null(loop);
    loop_run(loop);
    loop_free(loop);
}

struct chain {
    struct loop *loop;
    struct loop_later later;
    int runs;
    bool is_inside;
};

static void on_chain(void *owner)
{
    struct chain *chain = owner;
    assert_false(chain->is_inside);
    chain->is_inside = true;
    if (++chain->runs < 5) {
        loop_call_later(chain->loop, &chain->later, on_chain, chain);
    }
    chain->is_inside = false;
}

static void test_calls_later_not_now(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    struct chain chain = {.loop = loop};
    loop_call_later(loop, &chain.later, on_chain, &chain);
    loop_call_later(loop, &chain.later, on_chain, &chain);
    assert_int_equal(chain.runs, 0);
    loop_run(loop);
    assert_int_equal(chain.runs, 5);
    loop_free(loop);
}

struct order {
    char seen[8];
};

static void on_a(void *owner)
{
    struct order *order = owner;
    order->seen[strlen(order->seen)] = 'a';
}

static void on_b(void *owner)
{
    struct order *order = owner;
    order->seen[strlen(order->seen)] = 'b';
}

static void test_later_calls_keep_their_order(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    struct order order = {{0}};
    struct loop_later calls[4] = {{.next = NULL}};
    loop_call_later(loop, &calls[0], on_a, &order);
    loop_call_later(loop, &calls[1], on_b, &order);
    loop_call_later(loop, &calls[2], on_b, &order);
    loop_call_later(loop, &calls[3], on_a, &order);
    loop_run(loop);
    assert_string_equal(order.seen, "abba");
    loop_free(loop);
}

struct threads {
    pthread_t of_work;
    pthread_t of_done;
    int done;
};

static void work(void *owner)
{
    struct threads *threads = owner;
    threads->of_work = pthread_self();
}

static void on_work_done(void *owner)
{
    struct threads *threads = owner;
    threads->of_done = pthread_self();
    threads->done++;
}

static void test_work_runs_elsewhere_and_ends_here(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    struct threads threads = {.done = 0};
    loop_work(loop, work, on_work_done, &threads);
    assert_int_equal(threads.done, 0);
    loop_run(loop);
    assert_int_equal(threads.done, 1);
    assert_true(pthread_equal(threads.of_done, pthread_self()));
    assert_false(pthread_equal(threads.of_work, pthread_self()));
    loop_free(loop);
}

static void on_stop(void *owner)
{
    ++*(int *)owner;
}

static void test_first_signal_stops(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    int stops = 0;
    assert_int_equal(loop_watch_signals(loop, on_stop, &stops, NULL), 0);
    loop_run(loop); /* watching alone does not keep it */
    assert_int_equal(stops, 0);
    kill(getpid(), SIGTERM);
    assert_true(await_reached(loop, &stops, 1));
    loop_unwatch_signals(loop);
    loop_unwatch_signals(loop);
    loop_free(loop);
    assert_int_equal(stops, 1);
}

static void on_stop_again(void *owner)
{
    (void)owner;
    kill(getpid(), SIGINT);
}

static void on_never(void *owner)
{
    (void)owner;
}

static void test_a_signal_before_the_watch_counts(void **state)
{
    (void)state;
    int stops = 0;
    struct loop *loop = loop_new(NULL);
    loop_hold_signals();
    kill(getpid(), SIGTERM);
    assert_int_equal(loop_watch_signals(loop, on_stop, &stops, NULL), 0);
    assert_true(await_reached(loop, &stops, 1));
    loop_unwatch_signals(loop);
    loop_run(loop);
    assert_int_equal(stops, 1);
    loop_free(loop);
}

static void test_second_signal_ends_the_process(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct loop *loop = loop_new(NULL);
        struct deadline long_wait = {.place = 0};
        if (loop_watch_signals(loop, on_stop_again, NULL, NULL) == 0) {
            deadline_arm(&long_wait, loop, 60000, on_never, NULL);
            kill(getpid(), SIGTERM);
            loop_run(loop);
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGINT);
}

static void keep_busy(void *owner)
{
    uint64_t until_us = clock_monotonic_us() + *(uint64_t *)owner;
    while (clock_monotonic_us() < until_us) {
    }
}

static void test_lag_is_what_callbacks_took(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    uint64_t busy_us = 30000;
    struct deadline busy = {.place = 0};
    struct deadline last = {.place = 0};
    int ends = 0;
    deadline_arm(&busy, loop, 1, keep_busy, &busy_us);
    deadline_arm(&last, loop, 300, await_count, &ends);
    loop_run(loop);
    uint64_t lag_us = loop_take_lag_us(loop);
    assert_true(lag_us >= busy_us);
    /* taking it starts anew */
    assert_true(loop_take_lag_us(loop) == 0);
    loop_free(loop);
}

static void test_waiting_is_no_lag(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    struct deadline first = {.place = 0};
    struct deadline second = {.place = 0};
    int ends = 0;
    deadline_arm(&first, loop, 400, await_count, &ends);
    deadline_arm(&second, loop, 410, await_count, &ends);
    loop_run(loop);
    assert_int_equal(ends, 2);
    assert_true(loop_take_lag_us(loop) < 300000);
    loop_free(loop);
}

static void test_a_broken_pipe_is_survived(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    close(ends[1]);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* before others have started threads that hold nothing */
        cmocka_unit_test(test_a_signal_before_the_watch_counts),
        cmocka_unit_test(test_returns_at_once_with_nothing_to_do),
        cmocka_unit_test(test_calls_later_not_now),
        cmocka_unit_test(test_later_calls_keep_their_order),
        cmocka_unit_test(test_work_runs_elsewhere_and_ends_here),
        cmocka_unit_test(test_first_signal_stops),
        cmocka_unit_test(test_second_signal_ends_the_process),
        cmocka_unit_test(test_lag_is_what_callbacks_took),
        cmocka_unit_test(test_waiting_is_no_lag),
        cmocka_unit_test(test_a_broken_pipe_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
