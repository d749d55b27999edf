// SPDX-License-Identifier: Apache-2.0
#include "api/handler/admit.h"

#include "api/handler/service.h"
#include "api/http/request.h"
#include "api/route/call.h"
#include "api/route/problem.h"
#include "common/base/clock.h"

int admit_upload(struct call *call, struct admission_share *share)
{
    struct err err;
    int retry_s = 0;
    struct admission_ask ask = {.key = call->grant.key,
                                .bytes = request_content_length(call->request),
                                .now_us = clock_monotonic_us()};
    if (admission_enter(call->service->admission, &ask, share, &retry_s, &err) == 0) {
        return 0;
    }
    problem_answer_retry(call->request, &err, retry_s);
    return -1;
}
