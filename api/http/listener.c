// SPDX-License-Identifier: Apache-2.0
/*
 * With SO_REUSEPORT each listening socket has a queue of its own: the kernel decides with a client's first packet which one it
 * joins, and what is left in a queue whose socket is closed gets a reset (unless net.ipv4.tcp_migrate_req moves it to another). So
 * the queue is emptied before the close. A client whose handshake is not over at that moment can not be seen from here.
 */
#include "api/http/listener.h"

#include "api/http/conn.h"
#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/base/text.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 511,
    LAST_CLIENTS = 8 * BACKLOG, /* taken at the end, where they come faster than they can be taken */
    SURPLUS_CONNECTIONS = 64,
    ADDRESS_BYTES = 64
};

struct listener {
    struct loop *loop;
    struct http_limits limits;
    struct http_service service;
    uv_tcp_t tcp;
    bool has_tcp;
    bool has_given_socket; /* others keep its queue */
    struct list conns;     /* of struct conn; each leaves by listener_forget */
    size_t conn_count;
    size_t surplus_count; /* of them those that are only refused */
    bool is_closing;
    bool is_tcp_closed;
    bool is_settled; /* the last call is on its way */
    struct deadline grace;
    struct loop_later later;
    void (*closed)(void *owner);
    void *closed_owner;
};

/* Reads "ADDRESS:PORT" or "[ADDRESS]:PORT". */
static int read_address(const char *text, struct sockaddr_storage *address, struct err *err)
{
    char host[ADDRESS_BYTES];
    int64_t port = 0;
    const char *colon = strrchr(text, ':');
    size_t bytes = colon == NULL ? 0 : (size_t)(colon - text);
    bool is_bracketed = bytes > 2 && text[0] == '[' && colon[-1] == ']';
    if (is_bracketed) {
        text++;
        bytes -= 2;
    }
    if (bytes == 0 || bytes >= sizeof host || text_int64(colon + 1, 0, 65535, &port) != 0) {
        return err_set(err, ERR_CONFIG, "'%s' is not ADDRESS:PORT", text);
    }
    memcpy(host, text, bytes);
    host[bytes] = '\0';
    int status = is_bracketed ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)(void *)address)
                              : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)(void *)address);
    return status == 0 ? 0 : err_set(err, ERR_CONFIG, "'%s' is not an address to listen on", host);
}

static void settle(void *owner)
{
    struct listener *listener = owner;
    void (*closed)(void *owner) = listener->closed;
    void *closed_owner = listener->closed_owner;
    deadline_disarm(&listener->grace);
    free(listener);
    closed(closed_owner);
}

static void settle_when_empty(struct listener *listener)
{
    if (listener->is_closing && listener->is_tcp_closed && listener->conn_count == 0 &&
        !listener->is_settled) {
        listener->is_settled = true;
        loop_call_later(listener->loop, &listener->later, settle, listener);
    }
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    listener->is_tcp_closed = true;
    settle_when_empty(listener);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct listener *listener = server->data;
    if (status != 0) {
        log_warn("clients can not be accepted", log_text("reason", uv_strerror(status)));
        return;
    }
    conn_open(listener, server);
}

static void on_failed_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Binds a socket of our own. libuv tells of an address in use when it listens. */
static int bind_own(struct listener *listener, const struct listener_place *place, struct err *err)
{
    static const int yes = 1;
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    uv_os_fd_t fd = -1;
    if (read_address(place->address, &address, err) != 0) {
        return -1;
    }
    int status = uv_tcp_init_ex(loop_uv(listener->loop), &listener->tcp, address.ss_family);
    if (status != 0) {
        return err_set(err, ERR_CONFIG, "no socket for %s: %s", place->address, uv_strerror(status));
    }
    listener->has_tcp = true;
    status = uv_fileno((const uv_handle_t *)&listener->tcp, &fd);
    if (status == 0 && place->is_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0) {
        status = uv_translate_sys_error(errno);
    }
    if (status == 0) {
        status = uv_tcp_bind(&listener->tcp, (const struct sockaddr *)&address, 0);
    }
    return status == 0
               ? 0
               : err_set(err, ERR_CONFIG, "can not listen on %s: %s", place->address, uv_strerror(status));
}

static int take_given(struct listener *listener, const struct listener_place *place, struct err *err)
{
    int status = uv_tcp_init(loop_uv(listener->loop), &listener->tcp);
    assert(status == 0);
    listener->has_tcp = true;
    listener->has_given_socket = true;
    status = uv_tcp_open(&listener->tcp, place->socket);
    if (status != 0) {
        close(place->socket);
        return err_set(err, ERR_CONFIG, "the given socket can not be used: %s", uv_strerror(status));
    }
    return 0;
}

static int start(struct listener *listener, const struct listener_place *place, struct err *err)
{
    if ((place->has_socket ? take_given : bind_own)(listener, place, err) != 0) {
        return -1;
    }
    listener->tcp.data = listener;
    int status = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
    if (status != 0) {
        return err_set(err, ERR_CONFIG, "can not listen on %s: %s",
                       place->has_socket ? "the given socket" : place->address, uv_strerror(status));
    }
    return 0;
}

struct listener *listener_open(struct loop *loop, const struct listener_place *place,
                               const struct http_limits *limits, const struct http_service *service,
                               struct err *err)
{
    struct listener *listener = alloc_zeroed(1, sizeof *listener);
    listener->loop = loop;
    listener->limits = *limits;
    listener->service = *service;
    list_init(&listener->conns);
    if (start(listener, place, err) == 0) {
        return listener;
    }
    if (listener->has_tcp) {
        listener->tcp.data = listener;
        uv_close((uv_handle_t *)&listener->tcp, on_failed_closed);
    } else {
        free(listener);
    }
    return NULL;
}

int listener_port(const struct listener *listener)
{
    struct sockaddr_storage address;
    int bytes = sizeof address;
    if (uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&address, &bytes) != 0) {
        return -1;
    }
    /* the port stands at the same place in both families */
    return ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

size_t listener_connections(const struct listener *listener)
{
    return listener->conn_count;
}

static void on_grace_over(void *owner)
{
    struct listener *listener = owner;
    for (struct list *link = listener->conns.next, *next = NULL; link != &listener->conns; link = next) {
        struct conn *conn = list_owner(link, struct conn, link);
        next = link->next;
        conn_break(conn, ERR_SHUTDOWN, "the server goes down");
        conn_step(conn);
    }
}

/* Takes the clients that the kernel has let in. */
static void take_last(struct listener *listener)
{
    uv_os_fd_t fd = -1;
    if (uv_fileno((const uv_handle_t *)&listener->tcp, &fd) != 0) {
        return;
    }
    for (int taken = 0; taken < LAST_CLIENTS; taken++) {
        int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) {
            conn_open_socket(listener, client);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            if (errno != EAGAIN) {
                log_warn("the last clients can not be accepted", log_text("reason", strerror(errno)));
            }
            return;
        }
    }
}

void listener_close(struct listener *listener, uint64_t grace_ms, void (*closed)(void *owner), void *owner)
{
    assert(!listener->is_closing);
    listener->is_closing = true;
    listener->closed = closed;
    listener->closed_owner = owner;
    for (struct list *link = listener->conns.next, *next = NULL; link != &listener->conns; link = next) {
        struct conn *conn = list_owner(link, struct conn, link);
        next = link->next;
        conn_end_soon(conn);
    }
    if (!listener->has_given_socket) {
        take_last(listener);
    }
    uv_close((uv_handle_t *)&listener->tcp, on_tcp_closed);
    deadline_arm(&listener->grace, listener->loop, grace_ms, on_grace_over, listener);
}

struct loop *listener_loop(const struct listener *listener)
{
    return listener->loop;
}

const struct http_limits *listener_limits(const struct listener *listener)
{
    return &listener->limits;
}

const struct http_service *listener_service(const struct listener *listener)
{
    return &listener->service;
}

bool listener_is_closing(const struct listener *listener)
{
    return listener->is_closing;
}

bool listener_may_refuse(const struct listener *listener)
{
    return listener->surplus_count <= SURPLUS_CONNECTIONS;
}

void listener_remember(struct listener *listener, struct conn *conn)
{
    conn->is_surplus = listener->conn_count - listener->surplus_count >= listener->limits.max_connections;
    list_append(&listener->conns, &conn->link);
    listener->conn_count++;
    listener->surplus_count += conn->is_surplus;
}

void listener_forget(struct listener *listener, struct conn *conn)
{
    list_remove(&conn->link);
    listener->conn_count--;
    listener->surplus_count -= conn->is_surplus;
    settle_when_empty(listener);
}
