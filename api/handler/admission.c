// SPDX-License-Identifier: Apache-2.0
#include "api/handler/admission.h"

#include "api/handler/key_rate.h"
#include "common/base/alloc.h"

#include <stdlib.h>

enum { RETRY_LEAST_S = 1, RETRY_MOST_S = 60 };

struct admission {
    struct admission_limits limits;
    struct key_rate *rates; /* owned */
    int64_t uploads;
    int64_t bytes;
};

struct admission *admission_new(const struct admission_limits *limits)
{
    struct admission *admission = alloc_zeroed(1, sizeof *admission);
    admission->limits = *limits;
    admission->rates = key_rate_new(limits->key_rate);
    return admission;
}

void admission_free(struct admission *admission)
{
    if (admission != NULL) {
        free(admission->rates);
        free(admission);
    }
}

size_t admission_uploads(const struct admission *admission)
{
    return (size_t)admission->uploads;
}

static int clamped(double seconds)
{
    if (!(seconds > RETRY_LEAST_S)) {
        return RETRY_LEAST_S;
    }
    return seconds < RETRY_MOST_S ? (int)seconds : RETRY_MOST_S;
}

/* A key's turn is taken last: who is refused for another reason has not come. */
static int take_turn(struct admission *admission, const struct admission_ask *ask, int *retry_s,
                     struct err *err)
{
    uint64_t wait_us = key_rate_take(admission->rates, ask->key, ask->now_us);
    if (wait_us == 0) {
        return 0;
    }
    *retry_s = clamped((double)wait_us / 1e6 + 1);
    return err_set(err, ERR_RATE_LIMITED, "key %lld comes more than %lld times a second", (long long)ask->key,
                   (long long)admission->limits.key_rate);
}

/* The time until there is room: in which the jobs over the limit are worked off. */
static int check_backlog(const struct admission *admission, const struct admission_ask *ask, int *retry_s,
                         struct err *err)
{
    int64_t most = admission->limits.backlog;
    const struct admission_backlog *backlog = &ask->backlog;
    if (most == 0 || !backlog->is_known || backlog->jobs < most) {
        return 0;
    }
    double over = (double)(backlog->jobs - most + 1) / (double)backlog->jobs;
    *retry_s = clamped(backlog->seconds * over + 1);
    return err_set(err, ERR_OVERLOADED, "%lld jobs wait, %lld may", (long long)backlog->jobs,
                   (long long)most);
}

int admission_check(struct admission *admission, const struct admission_ask *ask, int *retry_s,
                    struct err *err)
{
    if (check_backlog(admission, ask, retry_s, err) != 0) {
        return -1;
    }
    return take_turn(admission, ask, retry_s, err);
}

/* True where `bytes` more are too many, and others are to blame for it. */
static bool is_too_much(const struct admission *admission, int64_t held, int64_t bytes)
{
    int64_t most = admission->limits.bytes;
    int64_t others = admission->bytes - held;
    return most != 0 && others > 0 && bytes > most - admission->bytes;
}

int admission_enter(struct admission *admission, const struct admission_ask *ask,
                    struct admission_share *share, int *retry_s, struct err *err)
{
    int64_t bytes = ask->bytes > 0 ? ask->bytes : 0;
    *retry_s = RETRY_LEAST_S;
    if (admission->limits.uploads != 0 && admission->uploads >= admission->limits.uploads) {
        return err_set(err, ERR_OVERLOADED, "%lld uploads are in flight", (long long)admission->uploads);
    }
    if (is_too_much(admission, 0, bytes)) {
        return err_set(err, ERR_OVERLOADED, "%lld bytes of uploads are in flight, %lld more were announced",
                       (long long)admission->bytes, (long long)bytes);
    }
    if (admission_check(admission, ask, retry_s, err) != 0) {
        return -1;
    }
    *share =
        (struct admission_share){.admission = admission, .bytes = bytes, .is_announced = ask->bytes >= 0};
    admission->uploads++;
    admission->bytes += bytes;
    return 0;
}

int admission_grow(struct admission_share *share, int64_t bytes, struct err *err)
{
    struct admission *admission = share->admission;
    if (share->is_announced) {
        return 0;
    }
    if (is_too_much(admission, share->bytes, bytes)) {
        return err_set(err, ERR_OVERLOADED, "%lld bytes of uploads are in flight, and more come",
                       (long long)admission->bytes);
    }
    share->bytes += bytes;
    admission->bytes += bytes;
    return 0;
}

void admission_leave(struct admission_share *share)
{
    if (share->admission != NULL) {
        share->admission->uploads--;
        share->admission->bytes -= share->bytes;
        *share = (struct admission_share){0};
    }
}
