// SPDX-License-Identifier: Apache-2.0
/*
 * The listening socket and its clients. Every request that is well-formed goes to one function; what is not is answered here
 * with problem+json made by the function below.
 */
#ifndef PIXMILL_HTTP_LISTENER_H
#define PIXMILL_HTTP_LISTENER_H

#include "api/http/request.h"
#include "common/base/err.h"

struct listener;
struct loop;

struct http_limits {
    uint64_t header_timeout_ms;     /* for a head to arrive whole, from its first byte */
    uint64_t body_idle_timeout_ms;  /* longest pause in a body */
    uint64_t keep_alive_timeout_ms; /* longest pause between requests */
    uint64_t write_timeout_ms;      /* longest time in which no byte of an answer is taken */
    size_t max_header_bytes;
    size_t max_headers;
    size_t max_connections;
};

struct http_service {
    http_request_fn on_request;
    /* Answers a request that the HTTP layer refuses: as on_request, but the answer is that error. */
    void (*on_refusal)(void *owner, struct request *request, const struct err *err);
    void *owner;
};

/* Where clients come from. */
struct listener_place {
    const char *
        address; /* "ADDRESS:PORT" or "[ADDRESS]:PORT" (port 0: any); not looked at where there is a socket */
    bool
        is_shared; /* others who say so too may listen on the same address at the same time (SO_REUSEPORT, socket(7)) */
    bool
        has_socket; /* listen on this one, which is taken over even where that fails: it was handed over, and somebody else */
    int socket; /* keeps it open */
};

/* Listens. Returns NULL with ERR_CONFIG. What it is given is copied. */
struct listener *listener_open(struct loop *loop, const struct listener_place *place,
                               const struct http_limits *limits, const struct http_service *service,
                               struct err *err);

/* The port that is listened on. */
int listener_port(const struct listener *listener);

/* Clients connected now. */
size_t listener_connections(const struct listener *listener);

/*
 * Stops taking clients, lets requests in flight end for at most grace_ms, then cuts them; frees; closed(owner) is the last call.
 * Nobody who is served now, or whom the kernel has let in already, is turned away:
 *   - clients in the kernel's queue are taken before the socket is closed, unless it was handed over: then they wait there for
 *     the next process;
 *   - a client that keeps its connection may be sending just now: its next answer says that it is the last, and it is
 *     closed once it was idle for CONN_LAST_IDLE_MS.
 */
void listener_close(struct listener *listener, uint64_t grace_ms, void (*closed)(void *owner), void *owner);

#endif
