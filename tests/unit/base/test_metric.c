// SPDX-License-Identifier: Apache-2.0
#include "common/base/metric.h"

#include "common/base/buf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_BYTES = 65536 };

static void assert_text(const struct metrics *metrics, const char *expected)
{
    struct buf out;
    buf_init(&out, MOST_BYTES);
    assert_int_equal(metrics_write(metrics, &out), 0);
    assert_string_equal(out.data != NULL ? out.data : "", expected);
    buf_release(&out);
}

static void lines_of_a_name_stand_together_under_one_help_and_type(void **state)
{
    struct metrics *metrics = metrics_new();
    (void)state;
    assert_text(metrics, "");
    struct metric *high = metric_gauge(metrics, "depth", "Jobs that wait.", "class=\"high\"");
    struct metric *taken = metric_counter(metrics, "taken_total", "Jobs taken.", "");
    struct metric *low = metric_gauge(metrics, "depth", "Jobs that wait.", "class=\"low\"");
    metric_set(high, 3);
    metric_add(low, -2);
    metric_add(taken, 5);
    metric_add(taken, 6);
    assert_text(metrics, "# HELP depth Jobs that wait.\n"
                         "# TYPE depth gauge\n"
                         "depth{class=\"high\"} 3\n"
                         "depth{class=\"low\"} -2\n"
                         "# HELP taken_total Jobs taken.\n"
                         "# TYPE taken_total counter\n"
                         "taken_total 11\n");
    metrics_free(metrics);
}

static void help_and_label_values_are_escaped(void **state)
{
    struct metrics *metrics = metrics_new();
    struct buf labels;
    (void)state;
    buf_init(&labels, 100);
    assert_int_equal(metric_label(&labels, "path", "C:\\\"x\"\n"), 0);
    assert_int_equal(metric_label(&labels, "code", "ok"), 0);
    metric_counter(metrics, "seen_total", "A \"back\\slash\"\nand a line.", labels.data);
    assert_text(metrics, "# HELP seen_total A \"back\\\\slash\"\\nand a line.\n"
                         "# TYPE seen_total counter\n"
                         "seen_total{path=\"C:\\\\\\\"x\\\"\\n\",code=\"ok\"} 0\n");
    buf_release(&labels);
    metrics_free(metrics);
}

static void a_label_over_the_limit_leaves_nothing(void **state)
{
    struct buf labels;
    (void)state;
    buf_init(&labels, 12);
    assert_int_equal(metric_label(&labels, "a", "1"), 0);
    assert_int_equal(metric_label(&labels, "b", "\n\n\n\n"), -1);
    assert_string_equal(labels.data, "a=\"1\"");
    buf_release(&labels);
}

static void numbers_are_written_without_exponent_or_locale(void **state)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {{0, "0"},
                 {-7, "-7"},
                 {0.25, "0.250000"},
                 {-1.5, "-1.500000"},
                 {0.0000004, "0"},
                 {0.9999999, "1"},
                 {123456789.125, "123456789.125000"},
                 {9007199254740991.0, "9007199254740991"},
                 {1e18, "1000000000000000000"},
                 {(double)NAN, "NaN"},
                 {(double)INFINITY, "+Inf"},
                 {-(double)INFINITY, "-Inf"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct metrics *metrics = metrics_new();
        char expected[128];
        metric_set(metric_gauge(metrics, "x", "X.", ""), cases[i].number);
        snprintf(expected, sizeof expected, "# HELP x X.\n# TYPE x gauge\nx %s\n", cases[i].text);
        assert_text(metrics, expected);
        metrics_free(metrics);
    }
}

static void the_longest_number_has_room(void **state)
{
    struct metrics *metrics = metrics_new();
    struct buf out;
    (void)state;
    metric_set(metric_gauge(metrics, "x", "X.", ""), -1.7976931348623157e308);
    buf_init(&out, MOST_BYTES);
    assert_int_equal(metrics_write(metrics, &out), 0);
    const char *line = strstr(out.data, "\nx -17976931348623157");
    assert_non_null(line);
    assert_int_equal(strlen(line), strlen("\nx -\n") + 309);
    buf_release(&out);
    metrics_free(metrics);
}

static void buckets_are_cumulative_and_end_with_all(void **state)
{
    struct metrics *metrics = metrics_new();
    (void)state;
    struct metric *run = metric_histogram(metrics, "run_seconds", "How long.", "stage=\"read\"");
    metric_observe_us(run, 0);
    metric_observe_us(run, 500);        /* a bound belongs to its bucket */
    metric_observe_us(run, 501);        /* and what is over it to the next */
    metric_observe_us(run, 60000000);   /* the last bound */
    metric_observe_us(run, 7200000001); /* over all of them */
    assert_text(metrics, "# HELP run_seconds How long.\n"
                         "# TYPE run_seconds histogram\n"
                         "run_seconds_bucket{stage=\"read\",le=\"0.0005\"} 2\n"
                         "run_seconds_bucket{stage=\"read\",le=\"0.001\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"0.0025\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"0.005\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"0.01\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"0.025\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"0.05\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"0.1\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"0.25\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"0.5\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"1\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"2.5\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"5\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"10\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"30\"} 3\n"
                         "run_seconds_bucket{stage=\"read\",le=\"60\"} 4\n"
                         "run_seconds_bucket{stage=\"read\",le=\"+Inf\"} 5\n"
                         "run_seconds_sum{stage=\"read\"} 7260.001002\n"
                         "run_seconds_count{stage=\"read\"} 5\n");
    metrics_free(metrics);
}

static void a_histogram_without_labels_has_no_empty_braces(void **state)
{
    struct metrics *metrics = metrics_new();
    struct buf out;
    (void)state;
    metric_observe_us(metric_histogram(metrics, "run_seconds", "How long.", ""), 2000000);
    buf_init(&out, MOST_BYTES);
    assert_int_equal(metrics_write(metrics, &out), 0);
    assert_non_null(strstr(out.data, "\nrun_seconds_bucket{le=\"1\"} 0\n"));
    assert_non_null(strstr(out.data, "\nrun_seconds_bucket{le=\"2.5\"} 1\n"));
    assert_non_null(strstr(out.data, "\nrun_seconds_sum 2.000000\nrun_seconds_count 1\n"));
    buf_release(&out);
    metrics_free(metrics);
}

static void over_the_limit_no_half_text_is_left(void **state)
{
    struct metrics *metrics = metrics_new();
    struct buf out;
    (void)state;
    metric_histogram(metrics, "run_seconds", "How long.", "");
    buf_init(&out, 500);
    assert_int_equal(buf_add(&out, "before", 6), 0);
    assert_int_equal(metrics_write(metrics, &out), -1);
    assert_int_equal(out.used, 6);
    assert_string_equal(out.data, "before");
    buf_release(&out);
    metrics_free(metrics);
}

static void without_a_metric_nothing_is_counted(void **state)
{
    (void)state;
    metric_add(NULL, 1);
    metric_set(NULL, 1);
    metric_observe_us(NULL, 1);
    metrics_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_a_name_stand_together_under_one_help_and_type),
        cmocka_unit_test(help_and_label_values_are_escaped),
        cmocka_unit_test(a_label_over_the_limit_leaves_nothing),
        cmocka_unit_test(numbers_are_written_without_exponent_or_locale),
        cmocka_unit_test(the_longest_number_has_room),
        cmocka_unit_test(buckets_are_cumulative_and_end_with_all),
        cmocka_unit_test(a_histogram_without_labels_has_no_empty_braces),
        cmocka_unit_test(over_the_limit_no_half_text_is_left),
        cmocka_unit_test(without_a_metric_nothing_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
