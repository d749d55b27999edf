// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue_script.h"

#include <assert.h>
#include <hiredis/hiredis.h>

enum { ARGUMENTS_EACH = 4 }; /* id, class letter, uploader, payload */

static void add_job(struct queue_call *call, const struct job *job, int64_t uploader)
{
    char id[JOB_ID_BYTES];
    unsigned char payload[JOB_MAX_BYTES];
    size_t payload_bytes = job_encode(job, payload);
    assert(uploader >= 0);
    job_id(job, id);
    queue_call_add_text(call, id);
    queue_call_add(call, job_class_word(job->class), 1); /* h, n, l */
    queue_call_add_int(call, uploader);
    queue_call_add(call, payload, payload_bytes);
}

void queue_push(struct queue *queue, const struct job *job, int64_t uploader, uint64_t delay_ms, done_fn done,
                void *owner)
{
    struct queue_call *call = queue_call_new(queue, QUEUE_PUSH, ARGUMENTS_EACH + 1);
    call->read = queue_read_nothing;
    add_job(call, job, uploader);
    queue_call_add_int(call, (int64_t)delay_ms);
    queue_call_run(call, done, owner);
}

static int read_added(struct queue_call *call, const struct redisReply *reply, struct err *err)
{
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 || reply->integer > (long long)call->most) {
        return queue_read_refuse(call, err);
    }
    *call->out_count = (size_t)reply->integer;
    return 0;
}

void queue_push_many(struct queue *queue, const struct queue_pushing *jobs, size_t count, size_t *added,
                     done_fn done, void *owner)
{
    assert(count <= QUEUE_PUSH_MAX);
    struct queue_call *call = queue_call_new(queue, QUEUE_PUSH_MANY, ARGUMENTS_EACH * count);
    call->read = read_added;
    call->out_count = added;
    call->most = count;
    for (size_t i = 0; i < count; i++) {
        add_job(call, &jobs[i].job, jobs[i].uploader);
    }
    queue_call_run(call, done, owner);
}
