// SPDX-License-Identifier: Apache-2.0
/*
 * What is told of the queue: gauges over the api's view of it (queue_view.h). Where the queue can't be asked, they are NaN, so that nobody
 * takes an old number for a new one.
 */
#ifndef PIXMILL_HANDLER_QUEUE_METRICS_H
#define PIXMILL_HANDLER_QUEUE_METRICS_H

struct metrics;
struct queue_metrics;
struct queue_view;

/* Makes the gauges in a registry, which outlives them. Never NULL. */
struct queue_metrics *queue_metrics_new(struct metrics *registry);
void queue_metrics_free(struct queue_metrics *metrics);

/* Sets them to what is known now. */
void queue_metrics_set(struct queue_metrics *metrics, const struct queue_view *view);

#endif
