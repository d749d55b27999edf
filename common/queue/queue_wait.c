// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue_script.h"

#include "common/net/redis.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>

/* what Redis may be late with the answer at the end of a wait before the connection counts as broken */
enum { LATE_MS = 2000, SECONDS_BYTES = 32 };

static void on_reply(void *owner, const struct redisReply *reply, const struct err *err)
{
    struct queue *queue = owner;
    done_fn waited = queue->waited;
    struct err fault = {.code = ERR_NONE};
    if (err == NULL && reply->type == REDIS_REPLY_ERROR) {
        err_set(&fault, ERR_QUEUE, "Redis refused to wait: %.150s", reply->str);
        err = &fault;
    }
    queue->waited = NULL;
    waited(queue->wait_owner, err);
}

/* What the last take foresaw counts once: it was told how long from then. */
static uint64_t take_wait_ms(struct queue *queue, uint64_t timeout_ms)
{
    bool is_sooner = queue->due_ms >= 0 && (uint64_t)queue->due_ms < timeout_ms;
    uint64_t wait_ms = is_sooner ? (uint64_t)queue->due_ms : timeout_ms;
    queue->due_ms = -1;
    return wait_ms > 0 ? wait_ms : 1; /* 0 would be for ever */
}

void queue_wait(struct queue *queue, uint64_t timeout_ms, done_fn done, void *owner)
{
    assert(queue->waited == NULL);
    char seconds[SECONDS_BYTES];
    uint64_t wait_ms = take_wait_ms(queue, timeout_ms);
    snprintf(seconds, sizeof seconds, "%" PRIu64 ".%03u", wait_ms / 1000, (unsigned)(wait_ms % 1000));
    const char *argv[] = {"BLPOP", queue->wake_key, seconds};
    const size_t argv_bytes[] = {strlen(argv[0]), strlen(argv[1]), strlen(argv[2])};
    queue->waited = done;
    queue->wait_owner = owner;
    redis_call(queue->waits, 3, argv, argv_bytes, wait_ms + LATE_MS, on_reply, queue);
}
