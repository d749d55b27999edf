// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue_script.h"

#include "common/base/text.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <limits.h>

enum { REPLIES_EACH = 4 }; /* id, token, lost leases, payload */

static int read_one(struct redisReply *const *reply, struct queue_taken *taken)
{
    const struct redisReply *id = reply[0];
    const struct redisReply *fence = reply[1];
    const struct redisReply *lost = reply[2];
    const struct redisReply *payload = reply[3];
    int64_t number = 0;
    if (id->type != REDIS_REPLY_STRING || fence->type != REDIS_REPLY_STRING ||
        lost->type != REDIS_REPLY_INTEGER || payload->type != REDIS_REPLY_STRING ||
        id->len != strlen(id->str) || text_copy(taken->lease.id, sizeof taken->lease.id, id->str) != 0 ||
        text_int64(fence->str, 1, INT64_MAX, &number) != 0 || lost->integer < 0 || lost->integer > INT_MAX) {
        return -1;
    }
    taken->lease.fence = (uint64_t)number;
    taken->lost_leases = (int)lost->integer;
    taken->job = (struct job){.type = JOB_PROCESS};
    taken->is_known = job_decode((const unsigned char *)payload->str, payload->len, &taken->job, NULL) == 0;
    return 0;
}

static int read_taken(struct queue_call *call, const struct redisReply *reply, struct err *err)
{
    struct queue_taken *taken = call->out;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % REPLIES_EACH != 1 ||
        reply->elements / REPLIES_EACH > call->most || reply->element[0]->type != REDIS_REPLY_INTEGER) {
        return queue_read_refuse(call, err);
    }
    size_t count = reply->elements / REPLIES_EACH;
    for (size_t i = 0; i < count; i++) {
        if (read_one(&reply->element[1 + i * REPLIES_EACH], &taken[i]) != 0) {
            return queue_read_refuse(call, err);
        }
    }
    call->queue->due_ms = reply->element[0]->integer;
    *call->out_count = count;
    return 0;
}

void queue_take(struct queue *queue, size_t most, uint64_t lease_ms, struct queue_taken *taken, size_t *count,
                done_fn done, void *owner)
{
    assert(most <= QUEUE_TAKE_MAX);
    struct queue_call *call = queue_call_new(queue, QUEUE_TAKE, 2);
    call->read = read_taken;
    call->out = taken;
    call->out_count = count;
    call->most = most;
    queue_call_add_int(call, (int64_t)most);
    queue_call_add_int(call, (int64_t)lease_ms);
    queue_call_run(call, done, owner);
}
