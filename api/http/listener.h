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

/* Listens on "ADDRESS:PORT" or "[ADDRESS]:PORT" (port 0: any). Returns NULL with *err. limits and service are copied. */
struct listener *listener_open(struct loop *loop, const char *address, const struct http_limits *limits,
                               const struct http_service *service, struct err *err);

/* The port that is listened on. */
int listener_port(const struct listener *listener);

/* Clients connected now. */
size_t listener_connections(const struct listener *listener);

/*
 * Stops taking clients, closes idle ones, lets requests in flight end for at most grace_ms, then cuts them; frees; closed(owner)
 * is the last call.
 */
void listener_close(struct listener *listener, uint64_t grace_ms, void (*closed)(void *owner), void *owner);

#endif
