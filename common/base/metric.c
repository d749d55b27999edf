// SPDX-License-Identifier: Apache-2.0
/*
 * Metrics of one name are a family: the format wants all lines of a name together, wherever its metrics were made. Nothing here
 * asks the locale: a decimal comma would make the whole text unreadable to Prometheus.
 */
#include "common/base/metric.h"

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/list.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* the longest is -DBL_MAX, of 309 digits */
enum { BUCKET_COUNT = 16, NUMBER_BYTES = 320 };

/* from here on a double has no millionths worth telling */
static const double MOST_SPLIT = 1e12;

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

static const char *const type_words[] = {"counter", "gauge", "histogram"};

/* Upper bounds, inclusive. */
static const struct {
    uint64_t us;
    const char *text;
} bounds[BUCKET_COUNT] = {{500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},
                          {10000, "0.01"},  {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},
                          {250000, "0.25"}, {500000, "0.5"},  {1000000, "1"},   {2500000, "2.5"},
                          {5000000, "5"},   {10000000, "10"}, {30000000, "30"}, {60000000, "60"}};

/* What a histogram has counted; each observation is in one bucket, or in none where it is over the last bound. */
struct histogram {
    uint64_t buckets[BUCKET_COUNT];
    uint64_t count;
    uint64_t sum_us;
};

struct metric {
    struct list link;
    enum metric_type type;
    const char *labels;
    double number;               /* of a counter or gauge */
    struct histogram *histogram; /* of a histogram */
};

struct family {
    struct list link;
    const char *name;
    const char *help;
    enum metric_type type;
    struct list metrics;
};

struct metrics {
    struct arena *arena; /* owned; everything lies in it */
    struct list families;
};

struct metrics *metrics_new(void)
{
    struct arena *arena = arena_new();
    struct metrics *metrics = arena_alloc(arena, sizeof *metrics);
    metrics->arena = arena;
    list_init(&metrics->families);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics != NULL) {
        arena_free(metrics->arena);
    }
}

static bool is_name(const char *name)
{
    return strspn(name, "abcdefghijklmnopqrstuvwxyz_") > 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(name);
}

static struct family *family_of(struct metrics *metrics, const char *name, const char *help,
                                enum metric_type type)
{
    for (struct list *link = metrics->families.next; link != &metrics->families; link = link->next) {
        struct family *family = list_owner(link, struct family, link);
        if (strcmp(family->name, name) == 0) {
            assert(family->type == type && strcmp(family->help, help) == 0);
            return family;
        }
    }
    assert(is_name(name));
    struct family *family = arena_alloc(metrics->arena, sizeof *family);
    family->name = arena_string(metrics->arena, name);
    family->help = arena_string(metrics->arena, help);
    family->type = type;
    list_init(&family->link);
    list_init(&family->metrics);
    list_append(&metrics->families, &family->link);
    return family;
}

static struct metric *add(struct metrics *metrics, struct family *family, const char *labels)
{
    for (struct list *link = family->metrics.next; link != &family->metrics; link = link->next) {
        /* two lines of one name and labels make a scraper refuse the whole text */
        assert(strcmp(list_owner(link, struct metric, link)->labels, labels) != 0);
    }
    struct metric *metric = arena_alloc(metrics->arena, sizeof *metric);
    metric->type = family->type;
    metric->labels = arena_string(metrics->arena, labels);
    if (family->type == METRIC_HISTOGRAM) {
        metric->histogram = arena_alloc(metrics->arena, sizeof *metric->histogram);
    }
    list_init(&metric->link);
    list_append(&family->metrics, &metric->link);
    return metric;
}

struct metric *metric_counter(struct metrics *metrics, const char *name, const char *help, const char *labels)
{
    return add(metrics, family_of(metrics, name, help, METRIC_COUNTER), labels);
}

struct metric *metric_gauge(struct metrics *metrics, const char *name, const char *help, const char *labels)
{
    return add(metrics, family_of(metrics, name, help, METRIC_GAUGE), labels);
}

struct metric *metric_histogram(struct metrics *metrics, const char *name, const char *help,
                                const char *labels)
{
    return add(metrics, family_of(metrics, name, help, METRIC_HISTOGRAM), labels);
}

void metric_add(struct metric *metric, int64_t number)
{
    if (metric != NULL) {
        assert(metric->type == METRIC_GAUGE || (metric->type == METRIC_COUNTER && number >= 0));
        metric->number += (double)number;
    }
}

void metric_set(struct metric *metric, double number)
{
    if (metric != NULL) {
        assert(metric->type != METRIC_HISTOGRAM);
        metric->number = number;
    }
}

void metric_observe_us(struct metric *metric, uint64_t us)
{
    if (metric == NULL) {
        return;
    }
    assert(metric->type == METRIC_HISTOGRAM);
    struct histogram *histogram = metric->histogram;
    histogram->count++;
    histogram->sum_us += us;
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        if (us <= bounds[i].us) {
            histogram->buckets[i]++;
            return;
        }
    }
}

/* Adds text with a backslash before backslashes and, where is_quoted, quotes; a line feed becomes \n. */
static int add_escaped(struct buf *out, const char *text, bool is_quoted)
{
    const char *special = is_quoted ? "\\\n\"" : "\\\n";
    while (*text != '\0') {
        size_t plain = strcspn(text, special);
        if (buf_add(out, text, plain) != 0) {
            return -1;
        }
        text += plain;
        if (*text != '\0') {
            char escaped = *text;
            if (escaped == '\n') {
                escaped = 'n';
            }
            if (buf_add(out, "\\", 1) != 0 || buf_add(out, &escaped, 1) != 0) {
                return -1;
            }
            text++;
        }
    }
    return 0;
}

/* Takes back what was added after `used`. */
static void cut(struct buf *buf, size_t used)
{
    buf->used = used;
    if (buf->data != NULL) {
        buf->data[used] = '\0';
    }
}

int metric_label(struct buf *labels, const char *name, const char *value)
{
    size_t used = labels->used;
    if (buf_format(labels, "%s%s=\"", used > 0 ? "," : "", name) != 0 ||
        add_escaped(labels, value, true) != 0 || buf_add(labels, "\"", 1) != 0) {
        cut(labels, used);
        return -1;
    }
    return 0;
}

/* Whole numbers as they are, others to the millionth; by integers, so that no locale has a say in the point. */
static void format_number(double number, char text[NUMBER_BYTES])
{
    const char *sign = number < 0 ? "-" : "";
    double size = number < 0 ? -number : number;
    if (isnan(number)) {
        snprintf(text, NUMBER_BYTES, "NaN");
    } else if (isinf(number)) {
        snprintf(text, NUMBER_BYTES, "%sInf", number < 0 ? "-" : "+");
    } else if (size >= MOST_SPLIT) {
        snprintf(text, NUMBER_BYTES, "%.0f", number);
    } else {
        unsigned long long millionths = (unsigned long long)(size * 1e6 + 0.5);
        unsigned long long rest = millionths % 1000000;
        int bytes = snprintf(text, NUMBER_BYTES, "%s%llu", sign, millionths / 1000000);
        if (rest != 0) {
            snprintf(text + bytes, (size_t)(NUMBER_BYTES - bytes), ".%06llu", rest);
        }
    }
}

static int write_histogram(const struct family *family, const struct metric *metric, struct buf *out)
{
    const struct histogram *histogram = metric->histogram;
    const char *labels = metric->labels;
    const char *comma = labels[0] != '\0' ? "," : "";
    uint64_t below = 0;
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        below += histogram->buckets[i];
        if (buf_format(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", family->name, labels, comma, bounds[i].text,
                       (unsigned long long)below) != 0) {
            return -1;
        }
    }
    const char *open = labels[0] != '\0' ? "{" : "";
    const char *close = labels[0] != '\0' ? "}" : "";
    return buf_format(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n%s_sum%s%s%s %llu.%06llu\n%s_count%s%s%s %llu\n",
                      family->name, labels, comma, (unsigned long long)histogram->count, family->name, open,
                      labels, close, (unsigned long long)(histogram->sum_us / 1000000),
                      (unsigned long long)(histogram->sum_us % 1000000), family->name, open, labels, close,
                      (unsigned long long)histogram->count);
}

static int write_metric(const struct family *family, const struct metric *metric, struct buf *out)
{
    char number[NUMBER_BYTES];
    if (metric->type == METRIC_HISTOGRAM) {
        return write_histogram(family, metric, out);
    }
    format_number(metric->number, number);
    return metric->labels[0] != '\0' ? buf_format(out, "%s{%s} %s\n", family->name, metric->labels, number)
                                     : buf_format(out, "%s %s\n", family->name, number);
}

static int write_family(const struct family *family, struct buf *out)
{
    if (buf_format(out, "# HELP %s ", family->name) != 0 || add_escaped(out, family->help, false) != 0 ||
        buf_format(out, "\n# TYPE %s %s\n", family->name, type_words[family->type]) != 0) {
        return -1;
    }
    for (struct list *link = family->metrics.next; link != &family->metrics; link = link->next) {
        if (write_metric(family, list_owner(link, struct metric, link), out) != 0) {
            return -1;
        }
    }
    return 0;
}

int metrics_write(const struct metrics *metrics, struct buf *out)
{
    size_t used = out->used;
    for (struct list *link = metrics->families.next; link != &metrics->families; link = link->next) {
        if (write_family(list_owner(link, struct family, link), out) != 0) {
            cut(out, used);
            return -1;
        }
    }
    return 0;
}
