// SPDX-License-Identifier: Apache-2.0
#include "api/route/router.h"

#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void handle_list(struct call *call)
{
    (void)call;
}

static const struct route routes[] = {
    {HTTP_GET_, ROUTE_READ, "/api/products/", handle_list},
    {HTTP_POST_, ROUTE_UPLOAD, "/api/products/", handle_list},
    {HTTP_GET_, ROUTE_READ, "/api/products/{slug}/images/{id}/", handle_list},
    {HTTP_DELETE_, ROUTE_UPLOAD, "/api/products/{slug}/images/{id}/", handle_list},
    {HTTP_POST_, ROUTE_UPLOAD, "/api/products/{slug}/images/bulk_upload/", handle_list},
    {HTTP_GET_, ROUTE_READ, "/media/{name*}", handle_list},
    {HTTP_GET_, ROUTE_OPEN, "/healthz", handle_list},
};
enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

/* The row that method and path meet; -1: none. */
static int met(struct arena *arena, enum http_method method, const char *path, struct route_match *match)
{
    router_match(routes, ROUTES, arena, method, path, match);
    return match->route ? (int)(match->route - routes) : -1;
}

static void test_a_last_slash_counts_nowhere(void **state)
{
    struct route_match match;
    assert_int_equal(met(*state, HTTP_GET_, "/api/products/", &match), 0);
    assert_int_equal(met(*state, HTTP_GET_, "/api/products", &match), 0);
    assert_int_equal(met(*state, HTTP_GET_, "/healthz", &match), 6);
    assert_int_equal(met(*state, HTTP_GET_, "/healthz/", &match), 6);
    assert_int_equal(met(*state, HTTP_GET_, "/api/products/mug/images/7", &match), 2);
    assert_int_equal(met(*state, HTTP_GET_, "/api/products/mug/images/7/", &match), 2);
}

static void test_parameters_are_named(void **state)
{
    struct route_match match;
    assert_int_equal(met(*state, HTTP_GET_, "/api/products/blue-mug/images/42/", &match), 2);
    assert_int_equal(match.count, 2);
    assert_string_equal(match.params[0].name, "slug");
    assert_string_equal(match.params[0].value, "blue-mug");
    assert_string_equal(match.params[1].name, "id");
    assert_string_equal(match.params[1].value, "42");
}

static void test_the_rest_of_a_path_is_one_parameter(void **state)
{
    struct route_match match;
    assert_int_equal(met(*state, HTTP_GET_, "/media/products/2026/01/31/a.jpg", &match), 5);
    assert_string_equal(match.params[0].name, "name");
    assert_string_equal(match.params[0].value, "products/2026/01/31/a.jpg");
    assert_int_equal(met(*state, HTTP_GET_, "/media/a.jpg/", &match), 5);
    assert_string_equal(match.params[0].value, "a.jpg");
    assert_int_equal(met(*state, HTTP_GET_, "/media/../etc/passwd", &match), 5);
    assert_string_equal(match.params[0].value, "../etc/passwd");
    assert_int_equal(met(*state, HTTP_GET_, "/media/", &match), -1);
    assert_int_equal(met(*state, HTTP_GET_, "/media", &match), -1);
    assert_int_equal(match.methods, 0);
}

static void test_what_is_no_path_of_the_table_meets_nothing(void **state)
{
    static const char *const paths[] = {"/",
                                        "/api",
                                        "/api/product",
                                        "/api/productss/",
                                        "/api/products//",
                                        "/api/products//images/1/",
                                        "//api/products/",
                                        "/api/products/mug/images/1/more/",
                                        "/API/products/",
                                        "/healthz/x"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct route_match match;
        assert_int_equal(met(*state, HTTP_GET_, paths[i], &match), -1);
        assert_int_equal(match.methods, 0);
    }
}

static void test_a_known_path_tells_its_methods(void **state)
{
    struct route_match match;
    assert_int_equal(met(*state, HTTP_PATCH_, "/api/products/", &match), -1);
    assert_string_equal(router_allow(*state, match.methods), "GET, HEAD, POST, OPTIONS");
    assert_int_equal(met(*state, HTTP_OTHER_, "/healthz", &match), -1);
    assert_string_equal(router_allow(*state, match.methods), "GET, HEAD, OPTIONS");
    /* a word and a parameter at one place: the word is meant */
    assert_int_equal(met(*state, HTTP_PUT_, "/api/products/mug/images/bulk_upload/", &match), -1);
    assert_string_equal(router_allow(*state, match.methods), "POST, OPTIONS");
    assert_int_equal(met(*state, HTTP_DELETE_, "/api/products/mug/images/bulk_upload/", &match), -1);
}

static void test_head_is_served_by_get_only(void **state)
{
    struct route_match match;
    assert_int_equal(met(*state, HTTP_HEAD_, "/api/products/", &match), 0);
    assert_int_equal(met(*state, HTTP_OPTIONS_, "/api/products/", &match), -1);
    assert_int_equal(met(*state, HTTP_DELETE_, "/api/products/mug/images/1", &match), 3);
    assert_int_equal(met(*state, HTTP_POST_, "/api/products/mug/images/bulk_upload", &match), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_last_slash_counts_nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parameters_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_rest_of_a_path_is_one_parameter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_path_of_the_table_meets_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_known_path_tells_its_methods, setup, teardown),
        cmocka_unit_test_setup_teardown(test_head_is_served_by_get_only, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
