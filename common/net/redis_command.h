// SPDX-License-Identifier: Apache-2.0
/*
 * What redis.c (the connection and its states) and redis_command.c (the commands on it) share. Inside net
 * only.
 */
#ifndef PIXMILL_NET_REDIS_COMMAND_H
#define PIXMILL_NET_REDIS_COMMAND_H

#include "common/base/list.h"
#include "common/net/loop.h"
#include "common/net/redis.h"
#include "common/net/redis_url.h"

enum { REDIS_NAME_BYTES = 16 };

struct redis_uv;

enum redis_state {
    REDIS_RESTING,
    REDIS_OPENING,
    REDIS_GREETING,
    REDIS_UP,
    REDIS_DROPPING,
    REDIS_CLOSED,
    REDIS_STATE_COUNT
};

struct redis {
    struct loop *loop;
    struct redis_url url;
    uint64_t connect_timeout_ms;
    uint64_t command_timeout_ms;
    enum redis_state state;
    struct deadline deadline; /* of the state */
    bool is_late;             /* it has passed */
    bool is_open;             /* the link is connected */
    bool is_gone;             /* the link is freed */
    bool is_closing;
    int greetings_due;
    unsigned failures; /* in a row */
    uint64_t losses;
    struct err trouble;      /* why the present link has to go; ERR_NONE while it may stay */
    struct err last_trouble; /* for the sentences of commands that found no connection */
    struct redis_uv *link;   /* owned; NULL in REDIS_RESTING and REDIS_CLOSED */
    struct list waiting;
    struct list sent;
    struct list failed;
    size_t commands;           /* in the three lists */
    struct loop_later telling; /* the failed ones */
    void (*closed)(void *owner);
    void *closed_owner;
};

struct redis_command {
    struct list link;
    struct redis *redis;
    redis_reply_fn done;
    void *owner;
    uint64_t timeout_ms;
    struct deadline deadline;
    char *wire; /* owned by hiredis' allocator; NULL once it was sent */
    size_t wire_bytes;
    char name[REDIS_NAME_BYTES]; /* the start of the command's word, for sentences */
    struct err err;              /* once failed */
};

/* Sends the commands that wait; the connection is up. */
void redis_command_send_waiting(struct redis *redis);

/* Answers the command that was sent first. Returns 0, or -1 where none was. */
int redis_command_answer(struct redis *redis, const struct redisReply *reply) MUST_CHECK;

/* Lets every command of a list fail with *err, in the next turn of the loop. */
void redis_command_fail_all(struct list *calls, const struct err *err);

/* Says why the connection has to go, if nothing did before, and steps. */
void redis_trouble(struct redis *redis, const char *format, ...) PRINTF_LIKE(2, 3);

/* Called in the turn after commands failed, when all were told and none failed since. */
void redis_on_all_told(struct redis *redis);

/* Has redis_on_all_told called in the next turn of the loop. */
void redis_command_tell(struct redis *redis);

#endif
