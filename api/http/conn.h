// SPDX-License-Identifier: Apache-2.0
/*
 * One client: a socket, the bytes that came and are not taken yet, at most one request, and its answer. For api/http only; the
 * structs are shared by conn*.c, request*.c, response.c and listener.c. Everything runs on the loop.
 *
 * The listener owns a connection from conn_open until the connection calls listener_forget. The connection owns its request from
 * the head's last byte until the answer is given; so it outlives its socket where a handler still works when the client goes.
 */
#ifndef PIXMILL_HTTP_CONN_H
#define PIXMILL_HTTP_CONN_H

#include "api/http/framing.h"
#include "api/http/head_reader.h"
#include "api/http/listener.h"
#include "api/http/parse.h"
#include "common/base/list.h"
#include "common/base/random.h"
#include "common/net/loop.h"

#include <netinet/in.h>

struct arena;
struct conn;

enum {
    CONN_READ_BYTES = 65536,  /* one read; held only while its bytes are not taken */
    CONN_FILE_BYTES = 65536,  /* one read of a file that is an answer's body */
    CONN_DRAIN_BYTES = 65536, /* rest of a body that is read over to keep a connection */
    CONN_LINGER_BYTES =
        32 * 1024 * 1024,       /* read over after the last answer, so that the client can read that */
    CONN_LINGER_MS = 5000,      /* where the client may still be sending a body */
    CONN_LINGER_DONE_MS = 1000, /* where it has sent all that it announced */
    CONN_LAST_IDLE_MS = 1000,   /* between requests, once the listener closes */
    CONN_LAST_FIRST_MS = 3000, /* the same before a client's first request, whose first packet may get lost */
    CONN_PEER_BYTES = INET6_ADDRSTRLEN,
    CONN_ID_BYTES = 129
};

enum conn_state {
    CONN_IDLE,   /* no byte of a request has come */
    CONN_HEAD,   /* a head is coming */
    CONN_HANDLE, /* the handler has the request, and maybe a piece of its body; nothing is read */
    CONN_BODY,   /* the handler waits for more of the body */
    CONN_WRITE,  /* the answer goes out */
    CONN_FILE,   /* the thread pool reads the next piece of the answer's file */
    CONN_DRAIN,  /* the rest of a body is read over; the connection is kept */
    CONN_LINGER, /* the last answer went out; bytes are read over until the client closes */
    CONN_CLOSE,  /* the socket is closing */
    CONN_STATE_COUNT
};

struct response_header {
    struct response_header *next;
    const char *name;
    const char *value;
};

struct request {
    struct conn *conn;
    struct arena *arena; /* owned; the request itself lies in it */
    struct http_head head;
    bool is_parsed; /* head is what the client sent */
    char id[CONN_ID_BYTES];
    void *context;
    struct response_header *first; /* what the answer gets besides our own */
    struct response_header *last;
    const struct body_sink *sink; /* NULL until request_read_body */
    void *sink_owner;
    int64_t max_body_bytes;
    int64_t body_bytes;    /* taken so far */
    bool wants_piece;      /* the handler may be called with the next piece, the end or the abort */
    bool is_sink_done;     /* on_end or on_abort was called */
    bool is_continue_sent; /* or was never expected */
};

/* What of an answer has not gone out yet. */
struct answer {
    struct buf text; /* head, and a body that is no file */
    size_t sent;
    int fd; /* owned; -1: none */
    int64_t offset;
    int64_t left; /* bytes of the file */
    char *piece;  /* owned; NULL, or CONN_FILE_BYTES bytes that the thread pool reads into */
    ssize_t piece_bytes;
    bool is_kept;     /* the connection stays open after it */
    bool is_all_read; /* the client has sent all that it announced */
};

struct conn {
    struct list link; /* in the listener's list */
    struct listener *listener;
    struct loop *loop;
    const struct http_limits *limits;
    const struct http_service *service;
    uv_tcp_t tcp;
    enum conn_state state;
    struct deadline deadline;
    struct loop_later later; /* a step that a handler's call asked for */
    char peer[CONN_PEER_BYTES];

    char *input; /* owned; NULL, or CONN_READ_BYTES bytes of which input_start..input_end wait to be taken */
    size_t input_start;
    size_t input_end;
    struct head_reader head;
    struct framing framing;
    struct request *request; /* owned; NULL where none is at the handler */
    struct answer answer;
    uv_write_t write;
    uv_write_t continue_write;
    char continue_text[32]; /* lives until it is written */
    uv_shutdown_t shutdown;
    size_t untaken_bytes; /* of the answer, when the write deadline was armed */
    size_t lingered_bytes;
    struct err abort; /* why the body ended early; ERR_NONE: it did not */

    bool is_stepping;
    bool is_due;       /* the state's deadline has passed */
    bool is_reading;   /* libuv reads */
    bool is_eof;       /* the client sends no more */
    bool is_broken;    /* the socket is of no use any more, and closed */
    bool is_closed;    /* its last callback ran */
    bool is_writing;   /* libuv has a part of the answer */
    bool is_answered;  /* the answer of the request has been given */
    bool is_surplus;   /* over max_connections: refused without reading */
    bool has_served;   /* a request was answered before */
    bool is_file_read; /* the thread pool is done with the answer's piece */
};

/* ---- conn.c ---- */

/* Takes the client that waits at `server`. */
void conn_open(struct listener *listener, uv_stream_t *server);

/* Takes over the socket of a client that was accepted. */
void conn_open_socket(struct listener *listener, int fd);

/* The listener closes: from now on idleness ends the connection soon. */
void conn_end_soon(struct conn *conn);

/* Runs the state table until a state waits; the connection may be gone afterwards. */
void conn_step(struct conn *conn);

/* Asks for a step after the present callback. */
void conn_step_later(struct conn *conn);

/* Starts the present state's deadline anew. */
void conn_wait_anew(struct conn *conn);

/* The socket is of no use: closes it, and remembers `code` as what a body's sink hears. Harmless when called again. */
void conn_break(struct conn *conn, enum err_code code, const char *sentence);

/* Hands an error to the service's on_refusal; a request that was not parsed gets a bare one. */
void conn_refuse(struct conn *conn, const struct err *err);

/* ---- conn_read.c: states in which bytes come in ---- */
enum conn_state do_conn_idle(struct conn *conn);
enum conn_state do_conn_head(struct conn *conn);
enum conn_state do_conn_body(struct conn *conn);
enum conn_state do_conn_drain(struct conn *conn);
enum conn_state do_conn_linger(struct conn *conn);

/* Starts or stops reading, as state and buffered input want it. */
void conn_set_reading(struct conn *conn);

/* Frees the input buffer. */
void conn_drop_input(struct conn *conn);

/* ---- conn_write.c: states in which an answer goes out ---- */
enum conn_state do_conn_write(struct conn *conn);
enum conn_state do_conn_file(struct conn *conn);

/* Sends "100 Continue". */
void conn_send_continue(struct conn *conn);

/* Frees what of an answer has not gone out. */
void conn_drop_answer(struct conn *conn);

/* ---- body_file.c ---- */

/* Reads the next piece of the answer's file on the thread pool; then conn_step with is_file_read set. */
void body_file_read(struct conn *conn);

/* ---- request.c ---- */

/* A request in an arena of its own, whose head is not read yet. */
struct request *request_new(struct conn *conn);

/* Settles X-Request-Id, after the head is known. */
void request_set_id(struct request *request);

/* ---- listener.c ---- */
struct loop *listener_loop(const struct listener *listener);
const struct http_limits *listener_limits(const struct listener *listener);
const struct http_service *listener_service(const struct listener *listener);
bool listener_is_closing(const struct listener *listener);

/* False where even a refusal is more than the listener has room for. */
bool listener_may_refuse(const struct listener *listener);

/* Links a connection and tells it whether it is surplus; takes one out that will be freed. */
void listener_remember(struct listener *listener, struct conn *conn);
void listener_forget(struct listener *listener, struct conn *conn);

#endif
