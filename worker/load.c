// SPDX-License-Identifier: Apache-2.0
#include "worker/load.h"

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/net/loop.h"
#include "common/queue/queue.h"

#include <stdlib.h>

enum {
    ASK_MS = 500,
    FIRST_CODEC_US = 500000, /* a guess, until the first image was made */
    MEMORY = 8               /* images that the measured time reaches back to, more or less */
};

struct load {
    struct loop *loop;   /* borrowed */
    struct queue *queue; /* borrowed */
    struct load_view view;
    struct queue_stats stats; /* out-parameter */
    struct deadline wait;     /* between two questions */
    bool is_asking;
    bool is_closing;
    struct loop_later close;
    void (*closed)(void *owner);
    void *close_owner;
};

static void finish_close(void *owner)
{
    struct load *load = owner;
    void (*closed)(void *) = load->closed;
    void *close_owner = load->close_owner;
    free(load);
    closed(close_owner);
}

static void ask(void *owner);

static void on_stats(void *owner, const struct err *err)
{
    struct load *load = owner;
    load->is_asking = false;
    if (load->is_closing) {
        loop_call_later(load->loop, &load->close, finish_close, load);
        return;
    }
    if (err != NULL) {
        /* what is not known is no reason to hurry */
        log_debug("the backlog is not known", log_err(err));
        load->view.ready = 0;
        load->view.leased = 0;
    } else {
        load->view.ready = load->stats.ready[JOB_HIGH] + load->stats.ready[JOB_NORMAL];
        load->view.leased = load->stats.leased;
    }
    deadline_arm(&load->wait, load->loop, ASK_MS, ask, load);
}

static void ask(void *owner)
{
    struct load *load = owner;
    load->is_asking = true;
    queue_stats(load->queue, &load->stats, on_stats, load);
}

struct load *load_open(struct loop *loop, struct queue *queue, size_t codecs)
{
    struct load *load = alloc_zeroed(1, sizeof *load);
    load->loop = loop;
    load->queue = queue;
    load->view = (struct load_view){.codecs = (int64_t)codecs, .codec_us = FIRST_CODEC_US};
    ask(load);
    return load;
}

void load_close(struct load *load, void (*closed)(void *owner), void *owner)
{
    load->is_closing = true;
    load->closed = closed;
    load->close_owner = owner;
    deadline_disarm(&load->wait);
    if (!load->is_asking) {
        loop_call_later(load->loop, &load->close, finish_close, load);
    }
}

void load_job_begun(struct load *load)
{
    load->view.in_hand++;
}

void load_job_ended(struct load *load, int64_t codec_us)
{
    load->view.in_hand--;
    if (codec_us > 0) {
        load->view.codec_us += (codec_us - load->view.codec_us) / MEMORY;
    }
}

int64_t load_backlog_seconds(const struct load *load)
{
    return load_seconds_of(&load->view);
}

int64_t load_codec_us(const struct load *load)
{
    return load->view.codec_us;
}

bool load_is_queue_paused(const struct load *load)
{
    return load->stats.is_paused;
}

bool load_has_waiting(const struct load *load)
{
    return load->view.ready > 0;
}

int64_t load_seconds_of(const struct load_view *view)
{
    double share =
        view->in_hand > 0 && view->leased > view->in_hand ? (double)view->in_hand / (double)view->leased : 1;
    double seconds = (double)view->ready * (double)view->codec_us / 1e6 / (double)view->codecs * share;
    if (seconds >= (double)INT32_MAX) {
        return INT32_MAX;
    }
    int64_t whole = (int64_t)seconds;
    return (double)whole < seconds ? whole + 1 : whole;
}
