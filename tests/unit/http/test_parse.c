// SPDX-License-Identifier: Apache-2.0
/* The head's way from bytes to a struct: head_reader and parse together. What is refused is tests/service/test_http_smuggling.py's. */
#include "api/http/head_reader.h"
#include "api/http/parse.h"
#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct read {
    struct arena *arena;
    struct http_head head;
    size_t taken;
    enum err_code code;
};

/* Reads a head in pieces of `piece` bytes. */
static struct read read_head(const char *text, size_t piece)
{
    struct read read = {.arena = arena_new()};
    struct head_reader reader;
    struct err err = {.code = ERR_NONE};
    size_t bytes = strlen(text);
    head_reader_init(&reader, 1000, 10);
    while (read.taken < bytes && reader.place != HEAD_END) {
        size_t here = bytes - read.taken < piece ? bytes - read.taken : piece;
        size_t taken = 0;
        if (head_reader_feed(&reader, text + read.taken, here, &taken, &err) != 0) {
            break;
        }
        read.taken += taken;
    }
    if (err.code == ERR_NONE && reader.place == HEAD_END) {
        char *copy = arena_copy(read.arena, reader.text.data, reader.text.used);
        if (parse_head(read.arena, copy, reader.text.used, &read.head, &err) != 0) {
            assert_int_not_equal(err.code, ERR_NONE);
        }
    } else if (err.code == ERR_NONE) {
        err.code = ERR_CANCELLED; /* not whole */
    }
    read.code = err.code;
    head_reader_release(&reader);
    return read;
}

static void test_parts(void **state)
{
    static const char text[] =
        "\r\nPOST /a%20b?c=d HTTP/1.1\r\nHost: shop.example:81\r\nX-A:\r\nX-B: \t b b \t\r\n"
        "Content-Length: 12\r\nExpect: 100-continue\r\n\r\nrest";
    (void)state;
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct read read = read_head(text, piece);
        assert_int_equal(read.code, ERR_NONE);
        assert_int_equal(read.taken, sizeof text - 1 - 4);
        assert_int_equal(read.head.method, HTTP_POST_);
        assert_false(read.head.is_http_1_0);
        assert_string_equal(read.head.path, "/a b");
        assert_string_equal(read.head.query, "c=d");
        assert_int_equal(read.head.headers.count, 5);
        assert_string_equal(headers_first(&read.head.headers, "host"), "shop.example:81");
        assert_string_equal(headers_first(&read.head.headers, "x-a"), "");
        assert_string_equal(headers_first(&read.head.headers, "x-b"), "b b");
        assert_int_equal(read.head.content_length, 12);
        assert_false(read.head.is_chunked);
        assert_true(read.head.wants_keep_alive);
        assert_true(read.head.expects_continue);
        assert_false(read.head.has_bad_expectation);
        arena_free(read.arena);
    }
}

static void test_framing_and_connection(void **state)
{
    static const struct {
        const char *text;
        int64_t length;
        bool is_chunked;
        bool keeps;
        bool is_bad_expectation;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", -1, false, true, false},
        {"GET / HTTP/1.0\r\n\r\n", -1, false, false, false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", -1, false, true, false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\nConnection: close\r\n\r\n", -1, false, false, false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: a, close\r\n\r\n", -1, false, false, false},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 0, false, true, false},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\n\r\n", 7, false, true, false},
        {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", -1, true, true, false},
        {"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", -1, false, true, true},
        {"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: b\r\n\r\n", -1, false, true, true},
        {"PUT / HTTP/1.0\r\nExpect: 200-ok\r\n\r\n", -1, false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct read read = read_head(rows[i].text, 7);
        assert_int_equal(read.code, ERR_NONE);
        assert_int_equal(read.head.content_length, rows[i].length);
        assert_int_equal(read.head.is_chunked, rows[i].is_chunked);
        assert_int_equal(read.head.wants_keep_alive, rows[i].keeps);
        assert_int_equal(read.head.has_bad_expectation, rows[i].is_bad_expectation);
        arena_free(read.arena);
    }
}

static void test_absolute_target_replaces_host(void **state)
{
    struct read read = read_head("GET http://real.example HTTP/1.1\r\nHost: other\r\n\r\n", 1000);
    (void)state;
    assert_int_equal(read.code, ERR_NONE);
    assert_string_equal(read.head.path, "/");
    assert_string_equal(headers_first(&read.head.headers, "host"), "real.example");
    arena_free(read.arena);
    read = read_head("GET http://real.example/a HTTP/1.0\r\n\r\n", 1000);
    assert_int_equal(read.code, ERR_NONE);
    assert_string_equal(read.head.path, "/a");
    assert_string_equal(headers_first(&read.head.headers, "host"), "real.example");
    arena_free(read.arena);
}

static void test_every_cut_waits(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    (void)state;
    for (size_t bytes = 0; bytes + 1 < sizeof text; bytes++) {
        char cut[sizeof text] = "";
        memcpy(cut, text, bytes);
        struct read read = read_head(cut, 1000);
        assert_int_equal(read.code, ERR_CANCELLED);
        assert_int_equal(read.taken, bytes);
        arena_free(read.arena);
    }
}

/* Whatever single byte is changed into whatever other: it is refused, waits or is read, and the sanitizers stay silent. */
static void test_every_changed_byte(void **state)
{
    static const char text[] = "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    size_t refused = 0;
    (void)state;
    for (size_t at = 0; at + 1 < sizeof text; at++) {
        for (int byte = 1; byte < 256; byte++) {
            char changed[sizeof text];
            memcpy(changed, text, sizeof text);
            changed[at] = (char)byte;
            struct read read = read_head(changed, 1000);
            refused += read.code != ERR_NONE;
            arena_free(read.arena);
        }
    }
    assert_in_range(refused, 5000, 255 * sizeof text);
}

static void test_limits(void **state)
{
    char text[3000];
    char filler[1500];
    (void)state;
    memset(filler, 'a', sizeof filler);
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\nX: %.1200s\r\n\r\n", filler);
    struct read read = read_head(text, 10);
    assert_int_equal(read.code, ERR_HEADERS_TOO_LARGE);
    arena_free(read.arena);
    snprintf(text, sizeof text, "GET /%.1200s HTTP/1.1\r\nHost: a\r\n\r\n", filler);
    read = read_head(text, 10);
    assert_int_equal(read.code, ERR_URI_TOO_LONG);
    arena_free(read.arena);
    snprintf(text, sizeof text,
             "GET / HTTP/1.1\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n");
    read = read_head(text, 10);
    assert_int_equal(read.code, ERR_HEADERS_TOO_LARGE);
    arena_free(read.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_framing_and_connection),
        cmocka_unit_test(test_absolute_target_replaces_host),
        cmocka_unit_test(test_every_cut_waits),
        cmocka_unit_test(test_every_changed_byte),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
