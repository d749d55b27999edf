// SPDX-License-Identifier: Apache-2.0
/*
 * Counters, gauges and histograms of a process, and their text for Prometheus
 * (prometheus.io/docs/instrumenting/exposition_formats, text format 0.0.4).
 *
 * A registry belongs to the process' parts, and is handed to who counts; there is none that is global. All of it is of the loop's
 * thread. A metric lives as long as its registry, so its pointer can be kept. A NULL metric counts nothing: a part works
 * without.
 */
#ifndef PIXMILL_BASE_METRIC_H
#define PIXMILL_BASE_METRIC_H

#include "common/base/err.h"

#include <stdint.h>

struct buf;
struct metric;
struct metrics;

/* An empty registry. Never NULL; freed with metrics_free. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/*
 * Each gives a new metric: name in snake_case with its unit ("pixmill_upload_bytes_total"), one sentence of help, and labels
 * as they stand between the braces (`class="high"`; metric_label writes them), "" for none. Metrics of one name have one type and
 * one help, and differ in labels. All strings are copied.
 */
struct metric *metric_counter(struct metrics *metrics, const char *name, const char *help,
                              const char *labels);
struct metric *metric_gauge(struct metrics *metrics, const char *name, const char *help, const char *labels);

/* A histogram of seconds, in buckets from 0.5 ms to 60 s. */
struct metric *metric_histogram(struct metrics *metrics, const char *name, const char *help,
                                const char *labels);

/* Appends `name="value"` with what must be escaped in value, and a comma before it where labels has something. Returns 0, or -1 as buf_add. */
int metric_label(struct buf *labels, const char *name, const char *value) MUST_CHECK;

/* Adds to a counter (number >= 0) or a gauge. */
void metric_add(struct metric *metric, int64_t number);

/* Sets a gauge, or a counter that somebody else keeps. NAN and infinities are written as such. */
void metric_set(struct metric *metric, double number);

/* Adds an observation to a histogram, in microseconds. */
void metric_observe_us(struct metric *metric, uint64_t us);

/* What a text of this format is called in Content-Type. */
#define METRIC_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/*
 * Appends the text of all metrics, each name with its HELP and TYPE once, names in the order of their first metric. Returns 0, or -1
 * (out as it was) over out's limit.
 */
int metrics_write(const struct metrics *metrics, struct buf *out) MUST_CHECK;

#endif
