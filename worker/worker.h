// SPDX-License-Identifier: Apache-2.0
/*
 * All parts of a worker: opened in order, and closed in reverse after the jobs in hand are finished or given back.
 */
#ifndef PIXMILL_WORKER_WORKER_H
#define PIXMILL_WORKER_WORKER_H

#include "common/base/err.h"

struct config;
struct loop;
struct worker;

/*
 * Opens all parts on a loop; work begins when it runs. config and loop outlive the worker. Always gives a worker: where
 * a part can't be opened, *err says why (its code is otherwise left alone), and the worker only waits for worker_stop.
 */
struct worker *worker_open(struct loop *loop, const struct config *config, struct err *err);

/* Drains and closes everything; the loop then has nothing of the worker on it, and ends. Once. */
void worker_stop(struct worker *worker);

/* Frees a worker, after the loop has ended. */
void worker_free(struct worker *worker);

/* Codec processes of a configuration: its own number, or one for each processor that we may use. */
unsigned worker_codecs(const struct config *config);

#endif
