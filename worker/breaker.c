// SPDX-License-Identifier: Apache-2.0
#include "worker/breaker.h"

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/metric.h"
#include "common/base/random.h"
#include "common/net/backoff.h"
#include "common/net/loop.h"

#include <assert.h>

enum { PROBE_FIRST_MS = 100, PROBE_MOST_MS = 2000, PROBE_TIMEOUT_MS = 15000 };

struct breaker {
    struct loop *loop;
    struct breaker_options options;
    bool is_open;
    bool is_probing;   /* a check is under way */
    unsigned failures; /* probes that failed in a row */
    uint64_t opened_us;
    struct deadline wait;  /* for the next probe, or for the end of the present one */
    struct list questions; /* struct breaker_question.link */
    bool is_closing;
    struct loop_later close;
    void (*closed)(void *owner);
    void *close_owner;
};

static void probe(void *owner);

static void answer_all(struct breaker *breaker, const struct err *err)
{
    /* an answer may lead to the next question, which waits for the next probe */
    struct list asked;
    struct list *link = NULL;
    list_init(&asked);
    while ((link = list_shift(&breaker->questions)) != NULL) {
        list_append(&asked, link);
    }
    while ((link = list_shift(&asked)) != NULL) {
        struct breaker_question *question = list_owner(link, struct breaker_question, link);
        question->done(question->owner, err);
    }
}

static void finish_close(void *owner)
{
    struct breaker *breaker = owner;
    void (*closed)(void *) = breaker->closed;
    void *close_owner = breaker->close_owner;
    assert(list_is_empty(&breaker->questions));
    free(breaker);
    closed(close_owner);
}

static void wait_for_probe(struct breaker *breaker)
{
    uint64_t wait_ms = PROBE_FIRST_MS +
                       backoff_ms(PROBE_FIRST_MS, PROBE_MOST_MS, breaker->failures, random_below(UINT64_MAX));
    breaker->failures++;
    deadline_arm(&breaker->wait, breaker->loop, wait_ms, probe, breaker);
}

static void shut(struct breaker *breaker)
{
    breaker->is_open = false;
    breaker->failures = 0;
    log_info("a dependency answers again", log_text("dependency", breaker->options.name),
             log_int("away_ms", (int64_t)((clock_monotonic_us() - breaker->opened_us) / 1000)));
    breaker->options.changed(breaker->options.owner);
}

static void on_late(void *owner)
{
    struct breaker *breaker = owner;
    struct err err;
    /* the check goes on; until it answers no other can begin, so the thing stays away */
    err_set(&err, ERR_STORAGE, "%s does not answer", breaker->options.name);
    answer_all(breaker, &err);
    deadline_arm(&breaker->wait, breaker->loop, PROBE_TIMEOUT_MS, on_late, breaker);
}

static void on_checked(void *owner, const struct err *err)
{
    struct breaker *breaker = owner;
    breaker->is_probing = false;
    deadline_disarm(&breaker->wait);
    answer_all(breaker, err);
    if (breaker->is_closing) {
        loop_call_later(breaker->loop, &breaker->close, finish_close, breaker);
    } else if (err != NULL) {
        log_debug("a dependency is away", log_text("dependency", breaker->options.name), log_err(err));
        wait_for_probe(breaker);
    } else {
        shut(breaker);
    }
}

static void probe(void *owner)
{
    struct breaker *breaker = owner;
    breaker->is_probing = true;
    deadline_arm(&breaker->wait, breaker->loop, PROBE_TIMEOUT_MS, on_late, breaker);
    breaker->options.check(breaker->options.subject, on_checked, breaker);
}

struct breaker *breaker_open(struct loop *loop, const struct breaker_options *options)
{
    struct breaker *breaker = alloc_zeroed(1, sizeof *breaker);
    breaker->loop = loop;
    breaker->options = *options;
    list_init(&breaker->questions);
    return breaker;
}

void breaker_close(struct breaker *breaker, void (*closed)(void *owner), void *owner)
{
    breaker->is_closing = true;
    breaker->closed = closed;
    breaker->close_owner = owner;
    if (!breaker->is_probing) {
        deadline_disarm(&breaker->wait);
        loop_call_later(breaker->loop, &breaker->close, finish_close, breaker);
    }
}

void breaker_trip(struct breaker *breaker)
{
    if (breaker->is_open || breaker->is_closing) {
        return;
    }
    breaker->is_open = true;
    breaker->opened_us = clock_monotonic_us();
    metric_add(breaker->options.trips, 1);
    log_warn("a dependency failed; no job is claimed until it answers",
             log_text("dependency", breaker->options.name));
    probe(breaker);
    breaker->options.changed(breaker->options.owner);
}

void breaker_ask(struct breaker *breaker, struct breaker_question *question, done_fn done, void *owner)
{
    assert(!breaker->is_closing);
    question->done = done;
    question->owner = owner;
    list_init(&question->link);
    list_append(&breaker->questions, &question->link);
    breaker_trip(breaker);
}

bool breaker_is_open(const struct breaker *breaker)
{
    return breaker->is_open;
}
