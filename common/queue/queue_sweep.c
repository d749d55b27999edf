// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue_script.h"

#include "common/base/text.h"

#include <assert.h>
#include <hiredis/hiredis.h>

static int read_sweep(struct queue_call *call, const struct redisReply *reply, struct err *err)
{
    enum { IS_OURS, IS_REBUILD, AFTER, PARTS };
    struct queue_sweep *sweep = call->out;
    int64_t after = 0;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != PARTS ||
        reply->element[IS_OURS]->type != REDIS_REPLY_INTEGER ||
        reply->element[IS_REBUILD]->type != REDIS_REPLY_INTEGER ||
        reply->element[AFTER]->type != REDIS_REPLY_STRING) {
        return queue_read_refuse(call, err);
    }
    if (text_int64(reply->element[AFTER]->str, INT64_MIN, INT64_MAX, &after) != 0) {
        after = 0; /* spoiled: from the start is always right */
    }
    *sweep = (struct queue_sweep){.is_ours = reply->element[IS_OURS]->integer == 1,
                                  .is_rebuild = reply->element[IS_REBUILD]->integer == 1,
                                  .after = after};
    return 0;
}

void queue_sweep(struct queue *queue, const char *holder, uint64_t hold_ms, struct queue_sweep *sweep,
                 done_fn done, void *owner)
{
    assert(strlen(holder) < QUEUE_HOLDER_BYTES);
    struct queue_call *call = queue_call_new(queue, QUEUE_SWEEP, 2);
    call->read = read_sweep;
    call->out = sweep;
    queue_call_add_text(call, holder);
    queue_call_add_int(call, (int64_t)hold_ms);
    queue_call_run(call, done, owner);
}

void queue_sweep_mark(struct queue *queue, const char *holder, int64_t after, bool is_done, uint64_t hold_ms,
                      bool *is_held, done_fn done, void *owner)
{
    assert(strlen(holder) < QUEUE_HOLDER_BYTES);
    struct queue_call *call = queue_call_new(queue, QUEUE_SWEEP_MARK, 4);
    call->read = queue_read_bool;
    call->out = is_held;
    queue_call_add_text(call, holder);
    queue_call_add_int(call, after);
    queue_call_add_int(call, is_done ? 1 : 0);
    queue_call_add_int(call, (int64_t)hold_ms);
    queue_call_run(call, done, owner);
}
