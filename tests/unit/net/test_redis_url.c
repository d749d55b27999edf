// SPDX-License-Identifier: Apache-2.0
#include "common/net/redis_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct redis_url good(const char *text)
{
    struct redis_url url;
    struct err err = {.code = ERR_NONE};
    memset(&url, 'x', sizeof url);
    if (redis_url_read(text, &url, &err) != 0) {
        fail_msg("%s: %s", text, err.sentence);
    }
    return url;
}

static void test_tcp(void **state)
{
    (void)state;
    struct redis_url url = good("redis://example.org");
    assert_string_equal(url.host, "example.org");
    assert_string_equal(url.port, "6379");
    assert_string_equal(url.user, "");
    assert_string_equal(url.password, "");
    assert_string_equal(url.path, "");
    assert_int_equal(url.db, 0);

    url = good("redis://127.0.0.1:16379/7");
    assert_string_equal(url.host, "127.0.0.1");
    assert_string_equal(url.port, "16379");
    assert_int_equal(url.db, 7);

    url = good("redis://[2001:db8::1]:6380/");
    assert_string_equal(url.host, "2001:db8::1");
    assert_string_equal(url.port, "6380");
    assert_int_equal(url.db, 0);
}

static void test_user_and_password(void **state)
{
    (void)state;
    struct redis_url url = good("redis://secret@h");
    assert_string_equal(url.user, "");
    assert_string_equal(url.password, "secret");

    url = good("redis://:secret@h:1");
    assert_string_equal(url.user, "");
    assert_string_equal(url.password, "secret");

    url = good("redis://us%65r:p%40%3a%2Fw:x@h/2");
    assert_string_equal(url.user, "user");
    assert_string_equal(url.password, "p@:/w:x");
    assert_string_equal(url.host, "h");
    assert_int_equal(url.db, 2);
}

static void test_unix(void **state)
{
    (void)state;
    struct redis_url url = good("unix:/run/redis.sock");
    assert_string_equal(url.path, "/run/redis.sock");
    assert_string_equal(url.host, "");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "redis:",
                                      "redis://",
                                      "redis:///1",
                                      "http://h",
                                      "rediss://h",
                                      "unix:",
                                      "unix:relative",
                                      "redis://h:",
                                      "redis://h:0",
                                      "redis://h:65536",
                                      "redis://h:6379x",
                                      "redis://h:66666666",
                                      "redis://h/x",
                                      "redis://h/-1",
                                      "redis://h/1/2",
                                      "redis://h?db=1",
                                      "redis://h#a",
                                      "redis://secret%4@h",
                                      "redis://secret%zz@h",
                                      "redis://secret%00@h",
                                      "redis://[::1",
                                      "redis://[::1]x",
                                      "redis://[]:1",
                                      "redis://secret@",
                                      "redis://h/999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct redis_url url = {.db = -5};
        struct err err = {.code = ERR_NONE};
        if (redis_url_read(bad[i], &url, &err) != -1) {
            fail_msg("taken: %s", bad[i]);
        }
        assert_int_equal(err.code, ERR_CONFIG);
        assert_int_equal(url.db, -5);
        assert_null(strstr(err.sentence, "secret"));
    }
}

static void test_too_long(void **state)
{
    (void)state;
    char text[2000];
    struct redis_url url;
    snprintf(text, sizeof text, "unix:/%0107d", 0);
    assert_int_equal(redis_url_read(text, &url, NULL), -1);
    snprintf(text, sizeof text, "unix:/%0106d", 0);
    assert_int_equal(redis_url_read(text, &url, NULL), 0);
    snprintf(text, sizeof text, "redis://%0256d", 1);
    assert_int_equal(redis_url_read(text, &url, NULL), -1);
    snprintf(text, sizeof text, "redis://%0256d@h", 1);
    assert_int_equal(redis_url_read(text, &url, NULL), -1);
    snprintf(text, sizeof text, "redis://%0255d:%0255d@h", 1, 2);
    assert_int_equal(redis_url_read(text, &url, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp),     cmocka_unit_test(test_user_and_password), cmocka_unit_test(test_unix),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
