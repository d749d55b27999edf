// SPDX-License-Identifier: Apache-2.0
#include "api/handler/admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>

static struct admission_share enter(struct admission *admission, int64_t bytes, enum err_code wanted)
{
    struct admission_share share = {0};
    struct admission_ask ask = {.bytes = bytes};
    struct err err = {.code = ERR_NONE};
    int retry_s = 0;
    assert_int_equal(admission_enter(admission, &ask, &share, &retry_s, &err), wanted == ERR_NONE ? 0 : -1);
    assert_int_equal(err.code, wanted);
    if (wanted != ERR_NONE) {
        assert_in_range(retry_s, 1, 60);
    }
    return share;
}

static void test_uploads_in_flight(void **state)
{
    (void)state;
    struct admission *admission = admission_new(&(struct admission_limits){.uploads = 2});
    struct admission_share first = enter(admission, 10, ERR_NONE);
    struct admission_share second = enter(admission, -1, ERR_NONE);
    enter(admission, 0, ERR_OVERLOADED);
    assert_int_equal(admission_uploads(admission), 2);
    admission_leave(&first);
    admission_leave(&first); /* once is all that counts */
    struct admission_share third = enter(admission, 0, ERR_NONE);
    enter(admission, 0, ERR_OVERLOADED);
    admission_leave(&second);
    admission_leave(&third);
    assert_int_equal(admission_uploads(admission), 0);
    admission_free(admission);
}

static void test_bytes_in_flight(void **state)
{
    (void)state;
    struct admission *admission = admission_new(&(struct admission_limits){.bytes = 100});
    struct err err = {.code = ERR_NONE};
    struct admission_share large = enter(admission, 1000, ERR_NONE); /* alone it may be any size */
    enter(admission, 1, ERR_OVERLOADED);
    assert_int_equal(admission_grow(&large, 1000, &err), 0); /* what was announced is counted */
    admission_leave(&large);
    struct admission_share half = enter(admission, 60, ERR_NONE);
    enter(admission, 41, ERR_OVERLOADED);
    struct admission_share rest = enter(admission, 40, ERR_NONE);
    struct admission_share unknown = enter(admission, -1, ERR_NONE);
    assert_int_equal(admission_grow(&unknown, 1, &err), -1);
    assert_int_equal(err.code, ERR_OVERLOADED);
    admission_leave(&half);
    assert_int_equal(admission_grow(&unknown, 50, &err), 0);
    assert_int_equal(admission_grow(&unknown, 11, &err), -1);
    assert_int_equal(admission_grow(&unknown, 10, &err), 0);
    enter(admission, 1, ERR_OVERLOADED);
    admission_leave(&rest);
    assert_int_equal(admission_grow(&unknown, 1000, &err), 0); /* nobody else is there */
    admission_leave(&unknown);
    struct admission_share all = enter(admission, 100, ERR_NONE);
    admission_leave(&all);
    admission_free(admission);
}

/* Asks with a backlog; returns in how many seconds to ask again, 0 where it is let in. */
static int ask_with(struct admission *admission, bool is_known, int64_t jobs, double seconds)
{
    struct admission_ask ask = {.backlog = {is_known, jobs, seconds}};
    struct err err = {.code = ERR_NONE};
    int retry_s = 0;
    if (admission_check(admission, &ask, &retry_s, &err) == 0) {
        return 0;
    }
    assert_int_equal(err.code, ERR_OVERLOADED);
    return retry_s;
}

static void test_the_backlog_tells_when_to_come_again(void **state)
{
    (void)state;
    struct admission *admission = admission_new(&(struct admission_limits){.backlog = 1000});
    assert_int_equal(ask_with(admission, true, 999, 500), 0);
    assert_int_equal(ask_with(admission, false, 5000, 500), 0);
    assert_int_equal(ask_with(admission, true, 1000, 0.5), 1);
    assert_int_equal(ask_with(admission, true, 2000, 40), 21); /* half of them are too many */
    assert_int_equal(ask_with(admission, true, 2000, 4000), 60);
    assert_int_equal(ask_with(admission, true, 2000, INFINITY), 60);
    assert_int_equal(ask_with(admission, true, 2000, NAN), 1);
    admission_free(admission);
    admission = admission_new(&(struct admission_limits){0});
    assert_int_equal(ask_with(admission, true, 1000000000, INFINITY), 0);
    admission_free(admission);
}

static void test_a_key_over_its_rate(void **state)
{
    (void)state;
    struct admission *admission = admission_new(&(struct admission_limits){.key_rate = 2, .backlog = 10});
    struct admission_ask ask = {.key = 4, .now_us = 1000000, .backlog = {true, 10, 100}};
    struct err err = {.code = ERR_NONE};
    int retry_s = 0;
    /* who is refused for the backlog has used no turn */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(admission_check(admission, &ask, &retry_s, &err), -1);
        assert_int_equal(err.code, ERR_OVERLOADED);
    }
    ask.backlog.jobs = 0;
    assert_int_equal(admission_check(admission, &ask, &retry_s, &err), 0);
    assert_int_equal(admission_check(admission, &ask, &retry_s, &err), 0);
    assert_int_equal(admission_check(admission, &ask, &retry_s, &err), -1);
    assert_int_equal(err.code, ERR_RATE_LIMITED);
    assert_int_equal(retry_s, 1);
    ask.key = 5;
    assert_int_equal(admission_check(admission, &ask, &retry_s, &err), 0);
    admission_free(admission);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uploads_in_flight),
        cmocka_unit_test(test_bytes_in_flight),
        cmocka_unit_test(test_the_backlog_tells_when_to_come_again),
        cmocka_unit_test(test_a_key_over_its_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
