// SPDX-License-Identifier: Apache-2.0
#include "worker/rounds.h"

#include <assert.h>

static void finish_close(void *owner)
{
    struct rounds *rounds = owner;
    void (*closed)(void *) = rounds->closed;
    void *close_owner = rounds->close_owner;
    rounds->release(rounds->part);
    closed(close_owner);
}

static void on_rested(void *owner)
{
    struct rounds *rounds = owner;
    rounds->is_working = true;
    rounds->work(rounds->part);
}

void rounds_start(struct rounds *rounds, struct loop *loop, uint64_t first_ms, void (*work)(void *part),
                  void (*release)(void *part), void *part)
{
    *rounds = (struct rounds){.loop = loop, .work = work, .release = release, .part = part};
    deadline_arm(&rounds->wait, loop, first_ms, on_rested, rounds);
}

void rounds_rest(struct rounds *rounds, uint64_t rest_ms)
{
    assert(rounds->is_working);
    rounds->is_working = false;
    if (rounds->is_closing) {
        loop_call_later(rounds->loop, &rounds->close, finish_close, rounds);
    } else {
        /* a deadline that is due at once would be called before the loop has turned */
        deadline_arm(&rounds->wait, rounds->loop, rest_ms > 0 ? rest_ms : 1, on_rested, rounds);
    }
}

void rounds_hurry(struct rounds *rounds)
{
    if (!rounds->is_working && !rounds->is_closing) {
        deadline_arm(&rounds->wait, rounds->loop, 1, on_rested, rounds);
    }
}

bool rounds_are_closing(const struct rounds *rounds)
{
    return rounds->is_closing;
}

void rounds_close(struct rounds *rounds, void (*closed)(void *owner), void *owner)
{
    assert(!rounds->is_closing);
    rounds->is_closing = true;
    rounds->closed = closed;
    rounds->close_owner = owner;
    if (!rounds->is_working) {
        deadline_disarm(&rounds->wait);
        loop_call_later(rounds->loop, &rounds->close, finish_close, rounds);
    }
}
