// SPDX-License-Identifier: Apache-2.0
/*
 *   RESTING --wait is over--> OPENING --connected--> GREETING --greeted--> UP
 *     ^  |                       |                      |                  |
 *     |  |                       +------ trouble, a missed deadline, or redis_close
 *     |  |                                              |
 *     |  +-- redis_close --> CLOSED <-- redis_close --- DROPPING
 *     |                                                 |
 *     +-------------- the link is gone -----------------+
 */
#include "common/net/redis_command.h"

#include "common/base/alloc.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/net/backoff.h"
#include "common/net/redis_uv.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>

enum { REST_FIRST_MS = 20, REST_MOST_MS = 1000, REFUSAL_BYTES = 150 };

static void redis_step(struct redis *redis);

/* Events of the link */

static void on_open(void *owner)
{
    struct redis *redis = owner;
    redis->is_open = true;
    redis_step(redis);
}

void redis_trouble(struct redis *redis, const char *format, ...)
{
    if (redis->trouble.code == ERR_NONE) {
        va_list args;
        va_start(args, format);
        redis->trouble.code = ERR_QUEUE;
        vsnprintf(redis->trouble.sentence, sizeof redis->trouble.sentence, format, args);
        va_end(args);
    }
    redis_step(redis);
}

static void on_end(void *owner, const struct err *err)
{
    redis_trouble(owner, "%s", err->sentence);
}

static void on_gone(void *owner)
{
    struct redis *redis = owner;
    redis->is_gone = true;
    redis_step(redis);
}

/* A server that is still loading, or is no master any more, serves nobody: a new connection may find a better
 * one. */
static bool is_useless(const struct redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR &&
           (text_starts_with(reply->str, "LOADING ") || text_starts_with(reply->str, "READONLY ") ||
            text_starts_with(reply->str, "MASTERDOWN "));
}

static void on_greeted(struct redis *redis, const struct redisReply *reply)
{
    redis->greetings_due--;
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_trouble(redis, "Redis refused the connection: %.*s", REFUSAL_BYTES, reply->str);
    } else {
        redis_step(redis);
    }
}

static void on_reply(void *owner, const struct redisReply *reply)
{
    struct redis *redis = owner;
    if (redis->greetings_due > 0) {
        on_greeted(redis, reply);
    } else if (redis_command_answer(redis, reply) != 0) {
        redis_trouble(redis, "Redis answered what was not asked");
    } else if (is_useless(reply)) {
        redis_trouble(redis, "Redis can not serve now: %.*s", REFUSAL_BYTES, reply->str);
    }
}

/* States */

static bool has_to_drop(const struct redis *redis)
{
    return redis->trouble.code != ERR_NONE || redis->is_closing;
}

static enum redis_state do_resting(struct redis *redis)
{
    if (redis->is_closing) {
        return REDIS_CLOSED;
    }
    return redis->is_late ? REDIS_OPENING : REDIS_RESTING;
}

static enum redis_state do_opening(struct redis *redis)
{
    if (has_to_drop(redis) || redis->is_late) {
        return REDIS_DROPPING;
    }
    return redis->is_open ? REDIS_GREETING : REDIS_OPENING;
}

static enum redis_state do_greeting(struct redis *redis)
{
    if (has_to_drop(redis) || redis->is_late) {
        return REDIS_DROPPING;
    }
    return redis->greetings_due == 0 ? REDIS_UP : REDIS_GREETING;
}

static enum redis_state do_up(struct redis *redis)
{
    return has_to_drop(redis) ? REDIS_DROPPING : REDIS_UP;
}

static enum redis_state do_dropping(struct redis *redis)
{
    if (!redis->is_gone) {
        return REDIS_DROPPING;
    }
    return redis->is_closing ? REDIS_CLOSED : REDIS_RESTING;
}

static enum redis_state do_closed(struct redis *redis)
{
    (void)redis;
    return REDIS_CLOSED;
}

static enum redis_state (*const steps[REDIS_STATE_COUNT])(struct redis *redis) = {
    [REDIS_RESTING] = do_resting, [REDIS_OPENING] = do_opening,   [REDIS_GREETING] = do_greeting,
    [REDIS_UP] = do_up,           [REDIS_DROPPING] = do_dropping, [REDIS_CLOSED] = do_closed,
};

/* What entering a state begins */

static void greet_with(struct redis *redis, int argc, const char **argv)
{
    char *wire = NULL;
    long long bytes = redisFormatCommandArgv(&wire, argc, argv, NULL);
    if (bytes < 0) {
        abort();
    }
    redis_uv_send(redis->link, wire, (size_t)bytes);
    redisFreeCommand(wire);
    redis->greetings_due++;
}

/* The PING at the end shows that the server serves: one that still loads its data says so here. */
static void enter_greeting(struct redis *redis)
{
    const struct redis_url *url = &redis->url;
    if (url->password[0] != '\0' && url->user[0] != '\0') {
        greet_with(redis, 3, (const char *[]){"AUTH", url->user, url->password});
    } else if (url->password[0] != '\0') {
        greet_with(redis, 2, (const char *[]){"AUTH", url->password});
    }
    if (url->db != 0) {
        char db[12];
        snprintf(db, sizeof db, "%d", url->db);
        greet_with(redis, 2, (const char *[]){"SELECT", db});
    }
    greet_with(redis, 1, (const char *[]){"PING"});
}

static void on_state_late(void *owner)
{
    struct redis *redis = owner;
    redis->is_late = true;
    redis_step(redis);
}

static void arm_state(struct redis *redis, uint64_t after_ms)
{
    deadline_arm(&redis->deadline, redis->loop, after_ms, on_state_late, redis);
}

static void enter_opening(struct redis *redis)
{
    static const struct redis_uv_events events = {on_open, on_reply, on_end};
    redis->is_late = false;
    redis->is_open = false;
    redis->is_gone = false;
    redis->greetings_due = 0;
    redis->trouble = (struct err){.code = ERR_NONE};
    redis->link = redis_uv_open(redis->loop, &redis->url, &events, redis);
    arm_state(redis, redis->connect_timeout_ms);
}

static void enter_up(struct redis *redis)
{
    redis->failures = 0;
    deadline_disarm(&redis->deadline);
    redis_command_send_waiting(redis);
}

/* Closing a link needs no deadline: the kernel answers at once, and a name that is still being resolved has
 * its own. */
static void enter_dropping(struct redis *redis, enum redis_state from)
{
    deadline_disarm(&redis->deadline);
    if (redis->trouble.code == ERR_NONE && redis->is_late) {
        err_set(&redis->trouble, ERR_QUEUE, "no connection to Redis was made within %" PRIu64 " ms",
                redis->connect_timeout_ms);
    } else if (redis->trouble.code == ERR_NONE) {
        err_set(&redis->trouble, ERR_SHUTDOWN, "the connection to Redis is being closed");
    }
    if (from == REDIS_UP && !redis->is_closing) {
        redis->losses++;
    } else {
        redis->failures++;
    }
    redis->last_trouble = redis->trouble;
    redis_command_fail_all(&redis->sent, &redis->trouble);
    redis_uv_close(redis->link, on_gone);
}

static void enter_resting(struct redis *redis)
{
    uint64_t random = 0;
    random_bytes(&random, sizeof random);
    redis->link = NULL;
    redis->is_late = false;
    arm_state(redis, backoff_ms(REST_FIRST_MS, REST_MOST_MS, redis->failures, random));
}

static void enter_closed(struct redis *redis)
{
    redis->link = NULL;
    deadline_disarm(&redis->deadline);
    redis_command_tell(redis);
}

static void redis_set_state(struct redis *redis, enum redis_state state)
{
    enum redis_state from = redis->state;
    redis->state = state;
    switch (state) {
    case REDIS_RESTING:
        enter_resting(redis);
        break;
    case REDIS_OPENING:
        enter_opening(redis);
        break;
    case REDIS_GREETING:
        enter_greeting(redis);
        break;
    case REDIS_UP:
        enter_up(redis);
        break;
    case REDIS_DROPPING:
        enter_dropping(redis, from);
        break;
    case REDIS_CLOSED:
        enter_closed(redis);
        break;
    case REDIS_STATE_COUNT:
        abort();
    }
}

static void redis_step(struct redis *redis)
{
    for (;;) {
        enum redis_state next = steps[redis->state](redis);
        if (next == redis->state) {
            return;
        }
        redis_set_state(redis, next);
    }
}

/* The last thing that happens to a closed one: everybody was answered, and nothing of it is left on the loop.
 */
void redis_on_all_told(struct redis *redis)
{
    if (redis->state != REDIS_CLOSED) {
        return;
    }
    void (*closed)(void *owner) = redis->closed;
    void *owner = redis->closed_owner;
    assert(redis->commands == 0 && redis->link == NULL && !deadline_is_armed(&redis->deadline));
    free(redis);
    closed(owner);
}

/* The verbs */

struct redis *redis_open(struct loop *loop, const struct redis_options *options, struct err *err)
{
    struct redis *redis = alloc_zeroed(1, sizeof *redis);
    if (redis_url_read(options->url, &redis->url, err) != 0) {
        free(redis);
        return NULL;
    }
    redis->loop = loop;
    redis->connect_timeout_ms = options->connect_timeout_ms;
    redis->command_timeout_ms = options->command_timeout_ms;
    list_init(&redis->waiting);
    list_init(&redis->sent);
    list_init(&redis->failed);
    redis_set_state(redis, REDIS_OPENING);
    return redis;
}

void redis_close(struct redis *redis, void (*closed)(void *owner), void *owner)
{
    assert(!redis->is_closing);
    redis->is_closing = true;
    redis->closed = closed;
    redis->closed_owner = owner;
    struct err err = {.code = ERR_NONE};
    err_set(&err, ERR_SHUTDOWN, "the connection to Redis is being closed");
    redis_command_fail_all(&redis->waiting, &err);
    redis_command_fail_all(&redis->sent, &err);
    redis_step(redis);
}

bool redis_is_up(const struct redis *redis)
{
    return redis->state == REDIS_UP;
}

bool redis_is_away(const struct redis *redis)
{
    return redis->failures > 0;
}

uint64_t redis_losses(const struct redis *redis)
{
    return redis->losses;
}
