// SPDX-License-Identifier: Apache-2.0
/*
 * A command is in one of three lists: waiting for a connection, sent (answered in this order), or failed and
 * to be told so in the next turn of the loop.
 */
#include "common/net/redis_command.h"

#include "common/base/alloc.h"
#include "common/net/redis_uv.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>

static void command_free(struct redis_command *command)
{
    list_remove(&command->link);
    deadline_disarm(&command->deadline);
    command->redis->commands--;
    redisFreeCommand(command->wire);
    free(command);
}

static void on_tell(void *owner)
{
    struct redis *redis = owner;
    /* only those of now: what a command's owner does next may fail at once, too */
    struct list now;
    list_init(&now);
    for (struct list *link = NULL; (link = list_shift(&redis->failed)) != NULL;) {
        list_append(&now, link);
    }
    for (struct list *link = NULL; (link = list_shift(&now)) != NULL;) {
        struct redis_command *command = list_owner(link, struct redis_command, link);
        command->done(command->owner, NULL, &command->err);
        command_free(command);
    }
    if (!redis->telling.is_queued) {
        redis_on_all_told(redis);
    }
}

void redis_command_tell(struct redis *redis)
{
    loop_call_later(redis->loop, &redis->telling, on_tell, redis);
}

/* The owner is told in the next turn: it may be in the middle of something. */
static void command_fail(struct redis_command *command, const struct err *err)
{
    struct redis *redis = command->redis;
    deadline_disarm(&command->deadline);
    command->err = *err;
    list_remove(&command->link);
    list_append(&redis->failed, &command->link);
    redis_command_tell(redis);
}

void redis_command_fail_all(struct list *commands, const struct err *err)
{
    for (struct list *link = commands->next, *next = NULL; link != commands; link = next) {
        next = link->next;
        command_fail(list_owner(link, struct redis_command, link), err);
    }
}

static void on_unconnected(void *owner)
{
    struct redis_command *command = owner;
    const struct redis *redis = command->redis;
    bool has_reason = redis->last_trouble.code != ERR_NONE;
    struct err err = {.code = ERR_NONE};
    err_set(&err, ERR_QUEUE, "no connection to Redis for %s within %" PRIu64 " ms%s%s", command->name,
            redis->connect_timeout_ms, has_reason ? ": " : "",
            has_reason ? redis->last_trouble.sentence : "");
    command_fail(command, &err);
}

static void on_unanswered(void *owner)
{
    struct redis_command *command = owner;
    redis_trouble(command->redis, "Redis did not answer %s within %" PRIu64 " ms", command->name,
                  command->timeout_ms);
}

static void command_send(struct redis_command *command)
{
    struct redis *redis = command->redis;
    list_remove(&command->link);
    list_append(&redis->sent, &command->link);
    deadline_arm(&command->deadline, redis->loop, command->timeout_ms, on_unanswered, command);
    redis_uv_send(redis->link, command->wire, command->wire_bytes);
    redisFreeCommand(command->wire);
    command->wire = NULL;
}

void redis_command_send_waiting(struct redis *redis)
{
    while (!list_is_empty(&redis->waiting)) {
        command_send(list_owner(redis->waiting.next, struct redis_command, link));
    }
}

int redis_command_answer(struct redis *redis, const struct redisReply *reply)
{
    struct list *first = list_shift(&redis->sent);
    if (first == NULL) {
        return -1;
    }
    struct redis_command *command = list_owner(first, struct redis_command, link);
    deadline_disarm(&command->deadline);
    command->done(command->owner, reply, NULL);
    command_free(command);
    return 0;
}

void redis_call(struct redis *redis, int argc, const char *const *argv, const size_t *argv_bytes,
                uint64_t timeout_ms, redis_reply_fn done, void *owner)
{
    struct redis_command *command = alloc_zeroed(1, sizeof *command);
    command->redis = redis;
    command->done = done;
    command->owner = owner;
    command->timeout_ms = timeout_ms != 0 ? timeout_ms : redis->command_timeout_ms;
    snprintf(command->name, sizeof command->name, "%s", argv[0]);
    list_append(&redis->waiting, &command->link);
    redis->commands++;
    struct err err = {.code = ERR_NONE};
    /* hiredis changes nothing there, it only lacks the const, which a cast may not drop here */
    const char **words = NULL;
    memcpy(&words, &argv, sizeof words);
    long long bytes = redisFormatCommandArgv(&command->wire, argc, words, argv_bytes);
    if (redis->is_closing) {
        err_set(&err, ERR_SHUTDOWN, "the connection to Redis is being closed");
    } else if (redis->commands > REDIS_COMMANDS_MAX) {
        err_set(&err, ERR_QUEUE, "%d commands are pending at Redis already", REDIS_COMMANDS_MAX);
    } else if (bytes < 0) {
        err_set(&err, ERR_QUEUE, "no memory for a command to Redis");
    }
    if (err.code != ERR_NONE) {
        command_fail(command, &err);
        return;
    }
    command->wire_bytes = (size_t)bytes;
    if (redis->state == REDIS_UP && redis->trouble.code == ERR_NONE) {
        command_send(command);
    } else {
        deadline_arm(&command->deadline, redis->loop, redis->connect_timeout_ms, on_unconnected, command);
    }
}
