// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue_script.h"

#include <assert.h>

void queue_push(struct queue *queue, const struct job *job, int64_t uploader, uint64_t delay_ms, done_fn done,
                void *owner)
{
    assert(uploader >= 0);
    char id[JOB_ID_BYTES];
    unsigned char payload[JOB_MAX_BYTES];
    size_t payload_bytes = job_encode(job, payload);
    job_id(job, id);
    struct queue_call *call = queue_call_new(queue, QUEUE_PUSH, 5);
    call->read = queue_read_nothing;
    queue_call_add_text(call, id);
    queue_call_add(call, job_class_word(job->class), 1); /* h, n, l */
    queue_call_add_int(call, uploader);
    queue_call_add(call, payload, payload_bytes);
    queue_call_add_int(call, (int64_t)delay_ms);
    queue_call_run(call, done, owner);
}
