// SPDX-License-Identifier: Apache-2.0
#include "api/handler/admit.h"

#include "api/handler/queue_view.h"
#include "api/handler/service.h"
#include "api/http/request.h"
#include "api/route/call.h"
#include "api/route/problem.h"
#include "common/base/clock.h"
#include "common/config/config.h"

/* What is known of the queue is at most a second old: that many uploads more may be let in. */
static struct admission_ask ask_of(const struct call *call)
{
    struct queue_sight sight;
    int64_t bytes = request_content_length(call->request);
    /* a body that is too large is refused unread, and its client is to be told that and not to come again */
    bool is_unread = bytes > call->service->config->max_body_bytes;
    struct admission_ask ask = {
        .key = call->grant.key, .bytes = is_unread ? 0 : bytes, .now_us = clock_monotonic_us()};
    queue_view_look(call->service->queue_view, &sight);
    ask.backlog.is_known = sight.is_known;
    ask.backlog.jobs = sight.stats.delayed;
    for (int i = 0; i < 3; i++) {
        double seconds = sight.backlog_seconds[i];
        ask.backlog.jobs += sight.stats.ready[i];
        /* the last class to be done is when all are */
        ask.backlog.seconds = seconds > ask.backlog.seconds ? seconds : ask.backlog.seconds;
    }
    return ask;
}

int admit_job(struct call *call)
{
    struct err err;
    int retry_s = 0;
    struct admission_ask ask = ask_of(call);
    if (admission_check(call->service->admission, &ask, &retry_s, &err) == 0) {
        return 0;
    }
    problem_answer_retry(call->request, &err, retry_s);
    return -1;
}

int admit_upload(struct call *call, struct admission_share *share)
{
    struct err err;
    int retry_s = 0;
    struct admission_ask ask = ask_of(call);
    if (admission_enter(call->service->admission, &ask, share, &retry_s, &err) == 0) {
        return 0;
    }
    problem_answer_retry(call->request, &err, retry_s);
    return -1;
}
