// SPDX-License-Identifier: Apache-2.0
/*
 * The Lua scripts of the verbs, and running them: by EVALSHA, and by EVAL where Redis does not know the script (yet, or any
 * more). Inside queue only. The texts are scripts/NAME.lua, embedded by the build.
 */
#ifndef PIXMILL_QUEUE_QUEUE_SCRIPT_H
#define PIXMILL_QUEUE_QUEUE_SCRIPT_H

#include "common/queue/queue.h"

struct arena;
struct redisReply;

enum queue_script_name {
    QUEUE_PUSH,
    QUEUE_PUSH_MANY,
    QUEUE_TAKE,
    QUEUE_RENEW,
    QUEUE_FINISH,
    QUEUE_RETRY,
    QUEUE_GIVE_BACK,
    QUEUE_STATS,
    QUEUE_SET_PAUSED,
    QUEUE_SWEEP,
    QUEUE_SWEEP_MARK,
    QUEUE_BEAT,
    QUEUE_WORKERS,
    QUEUE_SCRIPT_COUNT
};

struct queue_script {
    const char *word;
    const char *sha1; /* 40 hexadecimal digits */
    const unsigned char *text;
    size_t text_bytes;
};

extern const struct queue_script queue_scripts[QUEUE_SCRIPT_COUNT];

struct queue {
    struct redis *verbs;
    struct redis *waits;
    char *tag;      /* owned; "{prefix}" */
    char *wake_key; /* owned */
    size_t pending;
    int64_t due_ms; /* when time makes a job ready, from the last take on, which found none; -1: not known */
    done_fn waited; /* NULL while nobody waits */
    void *wait_owner;
};

/* One run of a script. Lives, with all that it points to, in its own arena until it has answered. */
struct queue_call {
    struct queue *queue;
    const struct queue_script *script;
    struct arena *arena;
    int argc;
    int argc_most;
    const char **argv;
    size_t *argv_bytes;
    /* Fills the out-parameters from a reply that is no error; -1 with *err where it is not what the script returns. */
    int (*read)(struct queue_call *call, const struct redisReply *reply, struct err *err);
    void *out;         /* for read */
    size_t *out_count; /* for read */
    size_t most;       /* for read: places in out */
    done_fn done;
    void *owner;
};

/* A run of a script with at most `most` arguments, which the caller adds before queue_call_run. */
struct queue_call *queue_call_new(struct queue *queue, enum queue_script_name name, size_t most);

/* Adds an argument (copied). */
void queue_call_add(struct queue_call *call, const void *data, size_t bytes);
void queue_call_add_text(struct queue_call *call, const char *text);
void queue_call_add_int(struct queue_call *call, int64_t number);
void queue_call_add_leases(struct queue_call *call, const struct queue_lease *leases, size_t count);

/* Runs it; call->read is set. The call is freed after done. */
void queue_call_run(struct queue_call *call, done_fn done, void *owner);

/* A read for scripts that return one integer that nobody needs. */
int queue_read_nothing(struct queue_call *call, const struct redisReply *reply, struct err *err) MUST_CHECK;

/* A read for scripts that return 1 or 0, into the bool at call->out. */
int queue_read_bool(struct queue_call *call, const struct redisReply *reply, struct err *err) MUST_CHECK;

/* Says that a reply is not what the script returns. Returns -1. */
int queue_read_refuse(const struct queue_call *call, struct err *err);

#endif
