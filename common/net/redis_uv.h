// SPDX-License-Identifier: Apache-2.0
/*
 * One attempt at one connection to Redis: bytes by libuv, protocol by hiredis' reader. Inside net only;
 * redis.c makes a new one after each loss.
 *
 * hiredis' own asynchronous context is not used: its libuv adapter drops poll errors, so that a reset
 * connection is never noticed, and it resolves names while it blocks. Here every fault of resolving,
 * connecting, reading, writing and of the protocol ends in one call of on_end. A link has no deadlines: its
 * owner has, and closes it.
 */
#ifndef PIXMILL_NET_REDIS_UV_H
#define PIXMILL_NET_REDIS_UV_H

#include "common/base/err.h"
#include "common/net/redis_url.h"

#include <stddef.h>

struct loop;
struct redis_uv;
struct redisReply;

/* What a link tells its owner, always from the loop; nothing after redis_uv_close. */
struct redis_uv_events {
    void (*on_open)(void *owner);                                  /* connected: bytes may be sent */
    void (*on_reply)(void *owner, const struct redisReply *reply); /* reply lives until this returns */
    void (*on_end)(void *owner, const struct err *err);            /* once; the owner closes the link then */
};

/* Starts to resolve and connect. url and events must live until the link is closed. Closed with
 * redis_uv_close. */
struct redis_uv *redis_uv_open(struct loop *loop, const struct redis_url *url,
                               const struct redis_uv_events *events, void *owner);

/* Sends bytes (copied), together with what else is sent in this turn of the loop. Only between on_open and
 * the end. */
void redis_uv_send(struct redis_uv *uv, const char *data, size_t bytes);

/* Drops the connection whatever its state, frees the link, then calls closed(owner) from the loop. */
void redis_uv_close(struct redis_uv *uv, void (*closed)(void *owner));

#endif
