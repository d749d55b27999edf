// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue.h"

#include "common/base/alloc.h"
#include "common/queue/queue_script.h"

#include <assert.h>

struct queue *queue_new(struct loop *loop, struct redis *verbs, struct redis *waits, const char *prefix)
{
    struct queue *queue = alloc_zeroed(1, sizeof *queue);
    (void)loop;
    size_t bytes = strlen(prefix) + sizeof "{}:wake";
    queue->due_ms = -1;
    queue->verbs = verbs;
    queue->waits = waits;
    queue->tag = alloc_zeroed(1, bytes);
    queue->wake_key = alloc_zeroed(1, bytes);
    snprintf(queue->tag, bytes, "{%s}", prefix);
    snprintf(queue->wake_key, bytes, "{%s}:wake", prefix);
    return queue;
}

void queue_free(struct queue *queue)
{
    assert(queue->pending == 0 && queue->waited == NULL);
    free(queue->tag);
    free(queue->wake_key);
    free(queue);
}
