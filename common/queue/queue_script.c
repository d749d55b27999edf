// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue_script.h"

#include "common/base/arena.h"
#include "common/base/text.h"
#include "common/net/redis.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>

/* EVALSHA, digest, number of keys, the key; the arguments follow */
enum { PLACE_VERB, PLACE_SCRIPT, PLACE_KEYS, PLACE_KEY, PLACE_COUNT };

enum { ERROR_BYTES = 150, MOST_ARGUMENTS = 1000000 };

struct queue_call *queue_call_new(struct queue *queue, enum queue_script_name name, size_t most)
{
    struct arena *arena = arena_new();
    struct queue_call *call = arena_alloc(arena, sizeof *call);
    assert(most <= MOST_ARGUMENTS);
    call->queue = queue;
    call->script = &queue_scripts[name];
    call->arena = arena;
    call->argc_most = PLACE_COUNT + (int)most;
    call->argv = arena_alloc(arena, (size_t)call->argc_most * sizeof call->argv[0]);
    call->argv_bytes = arena_alloc(arena, (size_t)call->argc_most * sizeof call->argv_bytes[0]);
    queue_call_add_text(call, "EVALSHA");
    queue_call_add_text(call, call->script->sha1);
    queue_call_add_text(call, "1");
    queue_call_add_text(call, queue->tag);
    return call;
}

void queue_call_add(struct queue_call *call, const void *data, size_t bytes)
{
    assert(call->argc < call->argc_most);
    call->argv[call->argc] = arena_copy(call->arena, data, bytes);
    call->argv_bytes[call->argc] = bytes;
    call->argc++;
}

void queue_call_add_text(struct queue_call *call, const char *text)
{
    queue_call_add(call, text, strlen(text));
}

void queue_call_add_int(struct queue_call *call, int64_t number)
{
    queue_call_add_text(call, arena_format(call->arena, "%" PRId64, number));
}

void queue_call_add_leases(struct queue_call *call, const struct queue_lease *leases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        queue_call_add_text(call, leases[i].id);
        queue_call_add_int(call, (int64_t)leases[i].fence);
    }
}

static void send_call(struct queue_call *call);

/* Redis forgets scripts when it starts anew or is told to; EVAL makes it know the script again. */
static bool is_forgotten(const struct queue_call *call, const struct redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && text_starts_with(reply->str, "NOSCRIPT") &&
           strcmp(call->argv[PLACE_VERB], "EVALSHA") == 0;
}

static void send_whole(struct queue_call *call)
{
    call->argv[PLACE_VERB] = "EVAL";
    call->argv_bytes[PLACE_VERB] = strlen("EVAL");
    call->argv[PLACE_SCRIPT] = (const char *)call->script->text;
    call->argv_bytes[PLACE_SCRIPT] = call->script->text_bytes;
    send_call(call);
}

static int read_reply(struct queue_call *call, const struct redisReply *reply, struct err *err)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        return err_set(err, ERR_QUEUE, "Redis refused %s: %.*s", call->script->word, ERROR_BYTES, reply->str);
    }
    return call->read(call, reply, err);
}

static void on_reply(void *owner, const struct redisReply *reply, const struct err *err)
{
    struct queue_call *call = owner;
    struct err fault = {.code = ERR_NONE};
    if (err != NULL) {
        fault = *err;
        err_context(&fault, "%s", call->script->word);
    } else if (is_forgotten(call, reply)) {
        send_whole(call);
        return;
    } else if (read_reply(call, reply, &fault) == 0) {
        fault.code = ERR_NONE;
    }
    call->queue->pending--;
    call->done(call->owner, fault.code == ERR_NONE ? NULL : &fault);
    arena_free(call->arena);
}

static void send_call(struct queue_call *call)
{
    redis_call(call->queue->verbs, call->argc, call->argv, call->argv_bytes, 0, on_reply, call);
}

void queue_call_run(struct queue_call *call, done_fn done, void *owner)
{
    call->done = done;
    call->owner = owner;
    call->queue->pending++;
    send_call(call);
}

int queue_read_refuse(const struct queue_call *call, struct err *err)
{
    return err_set(err, ERR_QUEUE, "Redis answered %s with something else", call->script->word);
}

int queue_read_nothing(struct queue_call *call, const struct redisReply *reply, struct err *err)
{
    return reply->type == REDIS_REPLY_INTEGER ? 0 : queue_read_refuse(call, err);
}

int queue_read_bool(struct queue_call *call, const struct redisReply *reply, struct err *err)
{
    if (reply->type != REDIS_REPLY_INTEGER || (reply->integer != 0 && reply->integer != 1)) {
        return queue_read_refuse(call, err);
    }
    *(bool *)call->out = reply->integer == 1;
    return 0;
}
