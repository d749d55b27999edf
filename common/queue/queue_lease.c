// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue_script.h"

#include <hiredis/hiredis.h>

static int read_held(struct queue_call *call, const struct redisReply *reply, struct err *err)
{
    bool *is_held = call->out;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != call->most) {
        return queue_read_refuse(call, err);
    }
    for (size_t i = 0; i < reply->elements; i++) {
        if (reply->element[i]->type != REDIS_REPLY_INTEGER) {
            return queue_read_refuse(call, err);
        }
    }
    for (size_t i = 0; i < reply->elements; i++) {
        is_held[i] = reply->element[i]->integer == 1;
    }
    return 0;
}

void queue_renew(struct queue *queue, const struct queue_lease *leases, size_t count, uint64_t lease_ms,
                 bool *is_held, done_fn done, void *owner)
{
    struct queue_call *call = queue_call_new(queue, QUEUE_RENEW, 1 + 2 * count);
    call->read = read_held;
    call->out = is_held;
    call->most = count;
    queue_call_add_int(call, (int64_t)lease_ms);
    queue_call_add_leases(call, leases, count);
    queue_call_run(call, done, owner);
}

void queue_finish(struct queue *queue, const struct queue_lease *leases, size_t count, done_fn done,
                  void *owner)
{
    struct queue_call *call = queue_call_new(queue, QUEUE_FINISH, 2 * count);
    call->read = queue_read_nothing;
    queue_call_add_leases(call, leases, count);
    queue_call_run(call, done, owner);
}

void queue_retry(struct queue *queue, const struct queue_lease *lease, const struct job *job,
                 uint64_t delay_ms, bool *is_held, done_fn done, void *owner)
{
    unsigned char payload[JOB_MAX_BYTES];
    size_t payload_bytes = job_encode(job, payload);
    struct queue_call *call = queue_call_new(queue, QUEUE_RETRY, 4);
    call->read = queue_read_bool;
    call->out = is_held;
    queue_call_add_leases(call, lease, 1);
    queue_call_add(call, payload, payload_bytes);
    queue_call_add_int(call, (int64_t)delay_ms);
    queue_call_run(call, done, owner);
}

void queue_give_back(struct queue *queue, const struct queue_lease *leases, size_t count, done_fn done,
                     void *owner)
{
    struct queue_call *call = queue_call_new(queue, QUEUE_GIVE_BACK, 2 * count);
    call->read = queue_read_nothing;
    queue_call_add_leases(call, leases, count);
    queue_call_run(call, done, owner);
}
