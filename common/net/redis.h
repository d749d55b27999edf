// SPDX-License-Identifier: Apache-2.0
/*
 * A connection to Redis that heals itself. Every command has a deadline; where one passes, or the peer
 * misbehaves, the connection is torn down, all commands on it fail with ERR_QUEUE (their effect is unknown),
 * and a new one is made after a back-off. While there is none, commands wait for it, at most the connect
 * deadline, then fail.
 */
#ifndef PIXMILL_NET_REDIS_H
#define PIXMILL_NET_REDIS_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { REDIS_COMMANDS_MAX = 8192 };

struct loop;
struct redis;
struct redisReply;

struct redis_options {
    const char *url;             /* redis://[[user:]password@]host[:port][/db] or unix:/path */
    uint64_t connect_timeout_ms; /* for resolve + connect + AUTH/SELECT */
    uint64_t command_timeout_ms; /* where a call gives 0 */
};

/*
 * Answers a command once: reply lives until the function returns, and is NULL where err is not. An error
 * reply of Redis
 * ("NOSCRIPT ...") is a reply, not an err.
 */
typedef void (*redis_reply_fn)(void *owner, const struct redisReply *reply, const struct err *err);

/* Starts connecting. Returns NULL with *err where the URL is wrong. Closed with redis_close. */
struct redis *redis_open(struct loop *loop, const struct redis_options *options, struct err *err);

/* Fails what is pending with ERR_SHUTDOWN, disconnects, frees; closed(owner) is the last call, made from the
 * loop. */
void redis_close(struct redis *redis, void (*closed)(void *owner), void *owner);

/*
 * Sends one command of argc binary-safe arguments (copied). timeout_ms is the deadline from its sending to
 * its reply, 0 for the default; before that it waits for a connection, where there is none, for at most the
 * connect timeout. Where REDIS_COMMANDS_MAX commands are pending, it fails with ERR_QUEUE, and after
 * redis_close with ERR_SHUTDOWN.
 */
void redis_call(struct redis *redis, int argc, const char *const *argv, const size_t *argv_bytes,
                uint64_t timeout_ms, redis_reply_fn done, void *owner);

/* True while a connection stands and is usable. */
bool redis_is_up(const struct redis *redis);

/* True while the last attempt to connect has failed: a command would most likely wait for its deadline in vain. */
bool redis_is_away(const struct redis *redis);

/* How often a standing connection was lost so far. */
uint64_t redis_losses(const struct redis *redis);

#endif
