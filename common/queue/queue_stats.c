// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue_script.h"

#include <hiredis/hiredis.h>

enum { COUNTS = 12 };

static int read_stats(struct queue_call *call, const struct redisReply *reply, struct err *err)
{
    struct queue_stats *stats = call->out;
    int64_t counts[COUNTS];
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != COUNTS) {
        return queue_read_refuse(call, err);
    }
    for (size_t i = 0; i < COUNTS; i++) {
        if (reply->element[i]->type != REDIS_REPLY_INTEGER) {
            return queue_read_refuse(call, err);
        }
        counts[i] = reply->element[i]->integer;
    }
    *stats = (struct queue_stats){.ready = {counts[0], counts[1], counts[2]},
                                  .oldest_age_ms = {counts[3], counts[4], counts[5]},
                                  .delayed = counts[6],
                                  .leased = counts[7],
                                  .jobs = counts[8],
                                  .finished = counts[9],
                                  .expired = counts[10],
                                  .is_paused = counts[11] != 0};
    return 0;
}

void queue_stats(struct queue *queue, struct queue_stats *stats, done_fn done, void *owner)
{
    struct queue_call *call = queue_call_new(queue, QUEUE_STATS, 0);
    call->read = read_stats;
    call->out = stats;
    queue_call_run(call, done, owner);
}

void queue_set_paused(struct queue *queue, bool is_paused, done_fn done, void *owner)
{
    struct queue_call *call = queue_call_new(queue, QUEUE_SET_PAUSED, 1);
    call->read = queue_read_nothing;
    queue_call_add_int(call, is_paused ? 1 : 0);
    queue_call_run(call, done, owner);
}
