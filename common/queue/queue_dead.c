// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue_script.h"

void queue_bury(struct queue *queue, const struct queue_lease *lease, const char *reason,
                const char *sentence, bool *is_held, done_fn done, void *owner)
{
    struct queue_call *call = queue_call_new(queue, QUEUE_BURY, 4);
    call->read = queue_read_bool;
    call->out = is_held;
    queue_call_add_leases(call, lease, 1);
    queue_call_add_text(call, reason);
    queue_call_add_text(call, sentence);
    queue_call_run(call, done, owner);
}
