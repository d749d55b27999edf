// SPDX-License-Identifier: Apache-2.0
#include "common/base/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* the example of the specification, 3.2.5 */
#define ID   "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void a_parent_is_read_and_written(void **state)
{
    struct trace trace;
    char text[TRACE_PARENT_BYTES];
    (void)state;
    assert_int_equal(trace_read("00-" ID "-" SPAN "-01", &trace), 0);
    assert_string_equal(trace.id, ID);
    assert_string_equal(trace.span, SPAN);
    assert_true(trace.is_sampled);
    trace_write(&trace, text);
    assert_string_equal(text, "00-" ID "-" SPAN "-01");
    assert_int_equal(trace_read("00-" ID "-" SPAN "-00", &trace), 0);
    assert_false(trace.is_sampled);
    /* flags that are not known yet are taken, and not sent on */
    assert_int_equal(trace_read("00-" ID "-" SPAN "-ff", &trace), 0);
    trace_write(&trace, text);
    assert_string_equal(text, "00-" ID "-" SPAN "-01");
}

static void a_version_of_the_future_may_say_more(void **state)
{
    static const char *const good[] = {"01-" ID "-" SPAN "-01",
                                       "cc-" ID "-" SPAN "-01-what the future will be like",
                                       "fe-" ID "-" SPAN "-01-"};
    struct trace trace;
    char text[TRACE_PARENT_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(trace_read(good[i], &trace), 0);
        trace_write(&trace, text); /* in the version that we know */
        assert_string_equal(text, "00-" ID "-" SPAN "-01");
    }
}

static void what_is_malformed_begins_a_new_trace(void **state)
{
    static const char *const bad[] = {"",
                                      "0",
                                      "00",
                                      "00-",
                                      "00-" ID,
                                      "00-" ID "-" SPAN,
                                      "00-" ID "-" SPAN "-",
                                      "00-" ID "-" SPAN "-0",
                                      "00-" ID "-" SPAN "-01-",
                                      "00-" ID "-" SPAN "-01-more",
                                      "00-" ID "-" SPAN "-01 ",
                                      " 00-" ID "-" SPAN "-01",
                                      "00-" ID "-" SPAN "-0x",
                                      "00-" ID "-" SPAN "-01, 00-" ID "-" SPAN "-01", /* two fields, joined */
                                      "ff-" ID "-" SPAN "-01",
                                      "0-" ID "-" SPAN "-01",
                                      "0A-" ID "-" SPAN "-01",
                                      ".0-" ID "-" SPAN "-01",
                                      "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
                                      "00-" ID "-00F067AA0BA902B7-01",
                                      "00-00000000000000000000000000000000-" SPAN "-01",
                                      "00-" ID "-0000000000000000-01",
                                      "00-" ID "0-" SPAN "-01",
                                      "00-4bf92f3577b34da6a3ce929d0e0e473-" SPAN "-01",
                                      "00-" ID "-" SPAN "0-01",
                                      "00_" ID "-" SPAN "-01",
                                      "00-" ID "_" SPAN "-01",
                                      "00-" ID "-" SPAN "_01",
                                      "cc-" ID "-" SPAN "-01.what the future will be like",
                                      "cc-" ID "-" SPAN "-011"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct trace trace = {.id = "untouched"};
        struct trace begun;
        char id[TRACE_ID_BYTES];
        if (trace_read(bad[i], &trace) == 0) {
            fail_msg("taken: '%s'", bad[i]);
        }
        assert_string_equal(trace.id, "untouched");
        trace_begin(bad[i], &begun);
        assert_string_not_equal(begun.id, ID);
        trace_write_id(bad[i], id);
        assert_string_equal(id, "");
    }
}

static void what_is_begun_goes_on_with_a_span_of_its_own(void **state)
{
    struct trace trace;
    char text[TRACE_PARENT_BYTES];
    char id[TRACE_ID_BYTES];
    (void)state;
    trace_begin("00-" ID "-" SPAN "-01", &trace);
    assert_string_equal(trace.id, ID);
    assert_string_not_equal(trace.span, SPAN);
    assert_true(trace.is_sampled);
    trace_write(&trace, text);
    trace_write_id(text, id);
    assert_string_equal(id, ID);
}

static void a_new_trace_is_well_formed_and_another_each_time(void **state)
{
    struct trace first;
    struct trace second;
    struct trace read;
    char text[TRACE_PARENT_BYTES];
    (void)state;
    trace_begin(NULL, &first);
    trace_begin(NULL, &second);
    assert_string_not_equal(first.id, second.id);
    assert_string_not_equal(first.span, second.span);
    assert_false(first.is_sampled); /* nobody has said that it is recorded */
    trace_write(&first, text);
    assert_int_equal(trace_read(text, &read), 0);
    assert_memory_equal(&read.id, &first.id, sizeof read.id);
    assert_memory_equal(&read.span, &first.span, sizeof read.span);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parent_is_read_and_written),
        cmocka_unit_test(a_version_of_the_future_may_say_more),
        cmocka_unit_test(what_is_malformed_begins_a_new_trace),
        cmocka_unit_test(what_is_begun_goes_on_with_a_span_of_its_own),
        cmocka_unit_test(a_new_trace_is_well_formed_and_another_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
