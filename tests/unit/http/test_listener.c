// SPDX-License-Identifier: Apache-2.0
/* What the raw-socket tests can not see: addresses that fail, and that nothing is left on the loop. */
#include "api/http/listener.h"
#include "api/http/response.h"
#include "common/net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESS_BYTES = 64, MAX_CONNECTIONS = 12, SURPLUS = 8 };

static const struct http_limits limits = {1000, 1000, 1000, 1000, 8192, 50, MAX_CONNECTIONS};

static void on_request(void *owner, struct request *request)
{
    (void)owner;
    respond(request, 204, NULL, NULL, 0);
}

static void on_refusal(void *owner, struct request *request, const struct err *err)
{
    (void)owner;
    respond(request, err_http_status(err->code), NULL, NULL, 0);
}

static const struct http_service service = {on_request, on_refusal, NULL};

static void on_closed(void *owner)
{
    int *closed = owner;
    ++*closed;
}

static struct listener *open_at(struct loop *loop, const char *address, struct err *err)
{
    struct listener_place place = {.address = address};
    return listener_open(loop, &place, &limits, &service, err);
}

static void test_open_and_close(void **state)
{
    static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0", "0.0.0.0:0"};
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct err err;
        int closed = 0;
        struct loop *loop = loop_new(&err);
        struct listener *listener = open_at(loop, addresses[i], &err);
        assert_non_null(listener);
        assert_in_range(listener_port(listener), 1, 65535);
        assert_int_equal(listener_connections(listener), 0);
        listener_close(listener, 100000, on_closed, &closed);
        assert_int_equal(closed, 0);
        loop_run(loop);
        assert_int_equal(closed, 1);
        loop_free(loop);
    }
}

static void test_bad_addresses(void **state)
{
    static const char *const bad[] = {"",
                                      "8080",
                                      ":8080",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:8 ",
                                      "localhost:0",
                                      "::1:0",
                                      "[::1]",
                                      "[]:0",
                                      "[127.0.0.1]:0",
                                      "1.2.3.4.5:0"};
    struct err err;
    struct loop *loop = loop_new(&err);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err.code = ERR_NONE;
        assert_null(open_at(loop, bad[i], &err));
        assert_int_equal(err.code, ERR_CONFIG);
    }
    loop_free(loop);
}

static void test_port_in_use(void **state)
{
    struct err err = {.code = ERR_NONE};
    char address[64];
    int closed = 0;
    struct loop *loop = loop_new(&err);
    struct listener *first = open_at(loop, "127.0.0.1:0", &err);
    (void)state;
    assert_non_null(first);
    snprintf(address, sizeof address, "127.0.0.1:%d", listener_port(first));
    assert_null(open_at(loop, address, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.sentence, address));
    listener_close(first, 0, on_closed, &closed);
    loop_run(loop);
    assert_int_equal(closed, 1);
    loop_free(loop);
}

static void address_of(const struct listener *listener, char out[ADDRESS_BYTES])
{
    snprintf(out, ADDRESS_BYTES, "127.0.0.1:%d", listener_port(listener));
}

static void test_a_port_is_shared_where_both_say_so(void **state)
{
    struct err err = {.code = ERR_NONE};
    char address[ADDRESS_BYTES];
    int closed = 0;
    struct loop *loop = loop_new(&err);
    struct listener_place place = {.address = "127.0.0.1:0", .is_shared = true};
    struct listener *first = listener_open(loop, &place, &limits, &service, &err);
    (void)state;
    assert_non_null(first);
    address_of(first, address);
    place.address = address;
    struct listener *second = listener_open(loop, &place, &limits, &service, &err);
    assert_non_null(second);
    assert_int_equal(listener_port(second), listener_port(first));
    place.is_shared = false;
    assert_null(listener_open(loop, &place, &limits, &service, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    listener_close(first, 0, on_closed, &closed);
    listener_close(second, 0, on_closed, &closed);
    loop_run(loop);
    assert_int_equal(closed, 2);
    loop_free(loop);
}

enum { CLIENTS = 20 };

/* Clients that have connected and asked, and that nobody has accepted. */
static void ask_all(int port, int clients[CLIENTS])
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(clients[i] >= 0);
        assert_int_equal(connect(clients[i], (const struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(send(clients[i], request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    }
}

static void test_clients_in_the_queue_are_served_at_the_end(void **state)
{
    struct err err = {.code = ERR_NONE};
    int clients[CLIENTS];
    int closed = 0;
    struct loop *loop = loop_new(&err);
    struct listener *listener = open_at(loop, "127.0.0.1:0", &err);
    (void)state;
    assert_non_null(listener);
    ask_all(listener_port(listener), clients);
    listener_close(listener, 100000, on_closed, &closed);
    assert_int_equal(listener_connections(listener), limits.max_connections + SURPLUS);
    loop_run(loop);
    assert_int_equal(closed, 1);
    for (int i = 0; i < CLIENTS; i++) {
        char text[2048] = "";
        assert_true(recv(clients[i], text, sizeof text - 1, MSG_WAITALL) > 0);
        assert_memory_equal(text, "HTTP/1.1 ", 9);
        assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
        close(clients[i]);
    }
    loop_free(loop);
}

static void test_the_queue_of_a_given_socket_is_left_to_the_next(void **state)
{
    struct err err = {.code = ERR_NONE};
    int clients[CLIENTS] = {0};
    int closed = 0;
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct loop *loop = loop_new(&err);
    int kept = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)state;
    assert_int_equal(bind(kept, (const struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(listen(kept, CLIENTS), 0);
    for (int round = 0; round < 2; round++) {
        struct listener_place place = {.address = "", .has_socket = true, .socket = dup(kept)};
        struct listener *listener = listener_open(loop, &place, &limits, &service, &err);
        assert_non_null(listener);
        if (round == 0) {
            ask_all(listener_port(listener), clients);
        }
        listener_close(listener, 0, on_closed, &closed);
        assert_int_equal(listener_connections(listener), 0);
        loop_run(loop);
        assert_int_equal(closed, round + 1);
    }
    for (int i = 0; i < CLIENTS; i++) {
        int accepted = accept4(kept, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        assert_true(accepted >= 0);
        close(accepted);
        close(clients[i]);
    }
    close(kept);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_and_close),
        cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_port_in_use),
        cmocka_unit_test(test_a_port_is_shared_where_both_say_so),
        cmocka_unit_test(test_clients_in_the_queue_are_served_at_the_end),
        cmocka_unit_test(test_the_queue_of_a_given_socket_is_left_to_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
