// SPDX-License-Identifier: Apache-2.0
#include "worker/health.h"

/* True where a condition has held for HEALTH_STUCK_MS; *since_ms is when it began, 0 while it does not hold. */
static bool has_lasted(uint64_t *since_ms, bool is_true, uint64_t now_ms)
{
    if (!is_true) {
        *since_ms = 0;
        return false;
    }
    if (*since_ms == 0) {
        *since_ms = now_ms;
    }
    return now_ms - *since_ms >= HEALTH_STUCK_MS;
}

const char *health_look(struct health_rule *rule, const struct health_view *view, uint64_t now_ms)
{
    bool has_taken = view->taken != rule->taken;
    bool is_idle = view->backlog > 0 && view->is_codec_free && !view->is_paused && !has_taken;
    rule->taken = view->taken;
    bool is_stuck = has_lasted(&rule->stuck_since_ms, is_idle, now_ms);
    bool is_bare = has_lasted(&rule->bare_since_ms, !view->has_codec, now_ms);
    if (is_bare) {
        return "no codec is ready";
    }
    return is_stuck ? "jobs wait, a codec is free, and none is taken" : NULL;
}
