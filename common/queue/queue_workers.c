// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue_report.h"
#include "common/queue/queue_script.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>

enum { REPLIES_EACH = 3 }; /* holder, age in ms, report */

void queue_beat(struct queue *queue, const struct queue_worker *worker, uint64_t live_ms, done_fn done,
                void *owner)
{
    unsigned char report[QUEUE_REPORT_BYTES];
    size_t report_bytes = queue_report_encode(worker, report);
    struct queue_call *call = queue_call_new(queue, QUEUE_BEAT, 4);
    call->read = queue_read_nothing;
    queue_call_add_text(call, worker->holder);
    queue_call_add(call, report, report_bytes);
    queue_call_add_int(call, (int64_t)live_ms);
    queue_call_add_int(call, QUEUE_WORKERS_MAX);
    queue_call_run(call, done, owner);
}

/* Returns false where it is nothing that a worker tells: somebody else wrote it, or a worker of another version. */
static bool read_one(struct redisReply *const *reply, struct queue_worker *worker)
{
    const struct redisReply *holder = reply[0];
    const struct redisReply *age = reply[1];
    const struct redisReply *report = reply[2];
    if (holder->type != REDIS_REPLY_STRING || holder->len >= sizeof worker->holder ||
        holder->len != strlen(holder->str) || age->type != REDIS_REPLY_INTEGER || age->integer < 0 ||
        report->type != REDIS_REPLY_STRING ||
        queue_report_decode((const unsigned char *)report->str, report->len, worker) != 0) {
        return false;
    }
    memcpy(worker->holder, holder->str, holder->len + 1);
    worker->age_ms = age->integer;
    return true;
}

static int compare_holders(const void *a, const void *b)
{
    const struct queue_worker *left = a;
    const struct queue_worker *right = b;
    return strcmp(left->holder, right->holder);
}

static int read_workers(struct queue_call *call, const struct redisReply *reply, struct err *err)
{
    struct queue_worker *workers = call->out;
    size_t count = 0;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % REPLIES_EACH != 0 ||
        reply->elements / REPLIES_EACH > QUEUE_WORKERS_MAX) {
        return queue_read_refuse(call, err);
    }
    for (size_t i = 0; i < reply->elements; i += REPLIES_EACH) {
        if (read_one(&reply->element[i], &workers[count])) {
            count++;
        }
    }
    qsort(workers, count, sizeof *workers, compare_holders);
    *call->out_count = count;
    return 0;
}

void queue_workers(struct queue *queue, struct queue_worker *workers, size_t *count, done_fn done,
                   void *owner)
{
    struct queue_call *call = queue_call_new(queue, QUEUE_WORKERS, 1);
    call->read = read_workers;
    call->out = workers;
    call->out_count = count;
    queue_call_add_int(call, QUEUE_WORKERS_MAX);
    queue_call_run(call, done, owner);
}
