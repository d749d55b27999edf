// SPDX-License-Identifier: Apache-2.0
/*
 *   RESOLVE --asked--> RESOLVING --answer--> CONNECT --> CONNECTING --> OPEN --> ENDED
 *      |                   |                 ^  |  ^         |                   ^
 *      |                   +-- no answer ----|--|--|---------|-------------------+
 *      +-- a Unix socket --------------------+  |  +-refused-+                   |
 *                                               +-- no address is left ----------+
 */
#include "common/net/redis_uv.h"

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/net/loop.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <uv.h>

enum {
    READ_BYTES = 16 * 1024,
    UNSENT_MAX_BYTES = 64 * 1024 * 1024, /* what the peer does not take */
    REPLY_MAX_BYTES = 64 * 1024 * 1024,  /* one reply */
    KEEPALIVE_S = 30
};

enum state { RESOLVE, RESOLVING, CONNECT, CONNECTING, OPEN, ENDED, STATE_COUNT };

struct redis_uv {
    struct loop *loop;
    const struct redis_url *url;
    const struct redis_uv_events *events;
    void *owner;
    enum state state;
    int pending;     /* callbacks that libuv or the loop still owe us */
    bool has_result; /* of the request that the state waits for */
    int status;      /* that result */
    bool has_handle; /* from its init to its close callback */
    bool is_closing;
    void (*closed)(void *owner);
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } to;
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    uv_write_t write;
    struct loop_later later;
    struct addrinfo *addresses; /* owned; the whole answer */
    struct addrinfo *address;   /* the next to try */
    struct buf unsent;
    struct buf sending; /* held still while libuv writes it */
    bool is_sending;
    redisReader *reader;
    size_t reply_bytes; /* fed since the last whole reply */
    struct err err;
    char input[READ_BYTES];
};

static void link_step(struct redis_uv *uv);

/* The end of every callback: frees a closing link that nothing will call any more. */
static void settle(struct redis_uv *uv)
{
    if (!uv->is_closing || uv->pending > 0) {
        return;
    }
    void (*closed)(void *owner) = uv->closed;
    void *owner = uv->owner;
    uv_freeaddrinfo(uv->addresses);
    redisReaderFree(uv->reader);
    buf_release(&uv->unsent);
    buf_release(&uv->sending);
    free(uv);
    closed(owner);
}

static void flush(struct redis_uv *uv);

static void on_later(void *owner)
{
    struct redis_uv *uv = owner;
    uv->pending--;
    flush(uv);
    link_step(uv);
    settle(uv);
}

static void call_later(struct redis_uv *uv)
{
    if (!uv->later.is_queued) {
        uv->pending++;
        loop_call_later(uv->loop, &uv->later, on_later, uv);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct redis_uv *uv = handle->data;
    uv->pending--;
    uv->has_handle = false;
    link_step(uv);
    settle(uv);
}

static void close_handle(struct redis_uv *uv)
{
    if (uv->has_handle && !uv_is_closing(&uv->to.handle)) {
        uv->pending++;
        uv_close(&uv->to.handle, on_handle_closed);
    }
}

static enum state end(struct redis_uv *uv, const char *what, int status)
{
    err_set(&uv->err, ERR_QUEUE, "%s: %s", what, uv_strerror(status));
    return ENDED;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct redis_uv *uv = request->data;
    uv->pending--;
    uv->addresses = addresses;
    uv->address = addresses;
    uv->status = status;
    uv->has_result = true;
    link_step(uv);
    settle(uv);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct redis_uv *uv = request->data;
    uv->pending--;
    uv->status = status;
    uv->has_result = true;
    link_step(uv);
    settle(uv);
}

static enum state do_resolve(struct redis_uv *uv)
{
    if (uv->url->path[0] != '\0') {
        return CONNECT;
    }
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    uv->resolve.data = uv;
    uv->has_result = false;
    int status =
        uv_getaddrinfo(loop_uv(uv->loop), &uv->resolve, on_resolved, uv->url->host, uv->url->port, &hints);
    if (status != 0) {
        return end(uv, "the name of the Redis server can not be resolved", status);
    }
    uv->pending++;
    return RESOLVING;
}

static enum state do_resolving(struct redis_uv *uv)
{
    if (!uv->has_result) {
        return RESOLVING;
    }
    return uv->status == 0 ? CONNECT
                           : end(uv, "the name of the Redis server can not be resolved", uv->status);
}

static int connect_tcp(struct redis_uv *uv)
{
    struct addrinfo *address = uv->address;
    uv->address = address->ai_next;
    int status = uv_tcp_init(loop_uv(uv->loop), &uv->to.tcp);
    if (status != 0) {
        return status;
    }
    uv->has_handle = true;
    uv->to.handle.data = uv;
    status = uv_tcp_connect(&uv->connect, &uv->to.tcp, address->ai_addr, on_connected);
    if (status == 0) {
        /* only make things faster or surer, so that their failure is no reason to give up */
        uv_tcp_nodelay(&uv->to.tcp, 1);
        uv_tcp_keepalive(&uv->to.tcp, 1, KEEPALIVE_S);
    }
    return status;
}

static int connect_pipe(struct redis_uv *uv)
{
    int status = uv_pipe_init(loop_uv(uv->loop), &uv->to.pipe, 0);
    if (status == 0) {
        uv->has_handle = true;
        uv->to.handle.data = uv;
        uv_pipe_connect(&uv->connect, &uv->to.pipe, uv->url->path, on_connected);
    }
    return status;
}

static enum state do_connect(struct redis_uv *uv)
{
    if (uv->has_handle) {
        return CONNECT; /* the one of the last address is closing */
    }
    bool is_unix = uv->url->path[0] != '\0';
    if (is_unix ? uv->err.code != ERR_NONE : uv->address == NULL) {
        return uv->err.code != ERR_NONE ? ENDED : end(uv, "the Redis server has no address", UV_EAI_NODATA);
    }
    uv->connect.data = uv;
    uv->has_result = false;
    int status = is_unix ? connect_pipe(uv) : connect_tcp(uv);
    if (status == 0) {
        uv->pending++;
    } else {
        uv->status = status;
        uv->has_result = true;
    }
    return CONNECTING;
}

static void give_input(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *buffer)
{
    (void)suggested_bytes;
    struct redis_uv *uv = handle->data;
    *buffer = uv_buf_init(uv->input, sizeof uv->input);
}

/* Hands over every whole reply that was read; returns false where the bytes are no Redis protocol. */
static bool hand_over(struct redis_uv *uv)
{
    while (!uv->is_closing) {
        void *reply = NULL;
        if (redisReaderGetReply(uv->reader, &reply) != REDIS_OK) {
            err_set(&uv->err, ERR_QUEUE, "the Redis server broke the protocol: %s", uv->reader->errstr);
            return false;
        }
        if (reply == NULL) {
            break;
        }
        uv->reply_bytes = 0;
        uv->events->on_reply(uv->owner, reply);
        freeReplyObject(reply);
    }
    return true;
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct redis_uv *uv = stream->data;
    if (uv->state != OPEN || uv->is_closing || got == 0) {
        return;
    }
    bool is_good = true;
    if (got < 0) {
        end(uv, "the connection to Redis is gone", (int)got);
        is_good = false;
    } else if (uv->reply_bytes + (size_t)got > REPLY_MAX_BYTES) {
        err_set(&uv->err, ERR_QUEUE, "a reply of Redis has more than %d bytes", REPLY_MAX_BYTES);
        is_good = false;
    } else {
        uv->reply_bytes += (size_t)got;
        is_good = redisReaderFeed(uv->reader, buffer->base, (size_t)got) == REDIS_OK;
        if (!is_good) {
            err_set(&uv->err, ERR_QUEUE, "no memory for a reply of Redis");
        }
        is_good = is_good && hand_over(uv);
    }
    if (!is_good) {
        link_step(uv);
    }
}

static enum state do_connecting(struct redis_uv *uv)
{
    if (!uv->has_result) {
        return CONNECTING;
    }
    int status = uv->status;
    if (status == 0) {
        status = uv_read_start(&uv->to.stream, give_input, on_read);
    }
    if (status != 0) {
        end(uv, "the Redis server can not be reached", status);
        close_handle(uv);
        return CONNECT;
    }
    uv->err = (struct err){.code = ERR_NONE};
    return OPEN;
}

static enum state do_open(struct redis_uv *uv)
{
    return uv->err.code == ERR_NONE ? OPEN : ENDED;
}

static enum state do_ended(struct redis_uv *uv)
{
    (void)uv;
    return ENDED;
}

static enum state (*const steps[STATE_COUNT])(struct redis_uv *uv) = {
    [RESOLVE] = do_resolve,       [RESOLVING] = do_resolving, [CONNECT] = do_connect,
    [CONNECTING] = do_connecting, [OPEN] = do_open,           [ENDED] = do_ended,
};

/* Steps until a state waits. A closing link only waits for what it owes. */
static void link_step(struct redis_uv *uv)
{
    while (!uv->is_closing) {
        enum state next = steps[uv->state](uv);
        if (next == uv->state) {
            return;
        }
        uv->state = next;
        if (next == OPEN) {
            uv->events->on_open(uv->owner);
        } else if (next == ENDED) {
            uv->events->on_end(uv->owner, &uv->err);
        }
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct redis_uv *uv = request->data;
    uv->pending--;
    uv->is_sending = false;
    uv->sending.used = 0;
    if (status != 0 && uv->err.code == ERR_NONE) {
        end(uv, "nothing can be sent to Redis", status);
    }
    flush(uv);
    link_step(uv);
    settle(uv);
}

static void flush(struct redis_uv *uv)
{
    if (uv->state != OPEN || uv->is_closing || uv->is_sending || uv->unsent.used == 0 ||
        uv->err.code != ERR_NONE) {
        return;
    }
    struct buf full = uv->unsent;
    uv->unsent = uv->sending;
    uv->sending = full;
    uv->write.data = uv;
    const uv_buf_t buffer = uv_buf_init(full.data, (unsigned)full.used);
    int status = uv_write(&uv->write, &uv->to.stream, &buffer, 1, on_written);
    if (status != 0) {
        end(uv, "nothing can be sent to Redis", status);
        return;
    }
    uv->is_sending = true;
    uv->pending++;
}

struct redis_uv *redis_uv_open(struct loop *loop, const struct redis_url *url,
                               const struct redis_uv_events *events, void *owner)
{
    struct redis_uv *uv = alloc_zeroed(1, sizeof *uv);
    uv->loop = loop;
    uv->url = url;
    uv->events = events;
    uv->owner = owner;
    uv->state = RESOLVE;
    buf_init(&uv->unsent, UNSENT_MAX_BYTES);
    buf_init(&uv->sending, UNSENT_MAX_BYTES);
    uv->reader = redisReaderCreate();
    if (uv->reader == NULL) {
        abort();
    }
    call_later(uv);
    return uv;
}

void redis_uv_send(struct redis_uv *uv, const char *data, size_t bytes)
{
    if (uv->err.code == ERR_NONE && buf_add(&uv->unsent, data, bytes) != 0) {
        err_set(&uv->err, ERR_QUEUE, "Redis does not take what is sent");
    }
    call_later(uv);
}

void redis_uv_close(struct redis_uv *uv, void (*closed)(void *owner))
{
    assert(!uv->is_closing);
    uv->is_closing = true;
    uv->closed = closed;
    if (uv->state == RESOLVING && !uv->has_result) {
        uv_cancel((uv_req_t *)&uv->resolve);
    }
    close_handle(uv);
    call_later(uv);
}
