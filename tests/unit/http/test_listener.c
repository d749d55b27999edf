// SPDX-License-Identifier: Apache-2.0
/* What the raw-socket tests can not see: addresses that fail, and that nothing is left on the loop. */
#include "api/http/listener.h"
#include "api/http/response.h"
#include "common/net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct http_limits limits = {1000, 1000, 1000, 1000, 8192, 50, 10};

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

static void test_open_and_close(void **state)
{
    static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0", "0.0.0.0:0"};
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct err err;
        int closed = 0;
        struct loop *loop = loop_new(&err);
        struct listener *listener = listener_open(loop, addresses[i], &limits, &service, &err);
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
        assert_null(listener_open(loop, bad[i], &limits, &service, &err));
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
    struct listener *first = listener_open(loop, "127.0.0.1:0", &limits, &service, &err);
    (void)state;
    assert_non_null(first);
    snprintf(address, sizeof address, "127.0.0.1:%d", listener_port(first));
    assert_null(listener_open(loop, address, &limits, &service, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.sentence, address));
    listener_close(first, 0, on_closed, &closed);
    loop_run(loop);
    assert_int_equal(closed, 1);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_and_close),
        cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_port_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
