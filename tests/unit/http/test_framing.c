// SPDX-License-Identifier: Apache-2.0
#include "api/http/framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct result {
    int status;
    bool is_done;
    size_t taken;
    size_t body_bytes;
    char body[256];
};

/* Feeds text in pieces of `piece` bytes until the body ends. */
static struct result feed(struct framing *framing, const char *text, size_t piece)
{
    struct result result = {.status = 0};
    size_t bytes = strlen(text);
    while (result.taken < bytes && !framing_is_done(framing)) {
        char data[256];
        size_t here = bytes - result.taken < piece ? bytes - result.taken : piece;
        size_t taken = 0;
        size_t body = 0;
        struct err err = {.code = ERR_NONE};
        memcpy(data, text + result.taken, here);
        result.status = framing_feed(framing, data, here, &taken, &body, &err);
        if (result.status != 0) {
            assert_int_equal(err.code, ERR_BAD_REQUEST);
            return result;
        }
        assert_true(taken > 0 && taken <= here && body <= taken);
        memcpy(result.body + result.body_bytes, data, body);
        result.body_bytes += body;
        result.taken += taken;
    }
    result.is_done = framing_is_done(framing);
    return result;
}

static void test_length(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 12; piece++) {
        struct framing framing;
        framing_start_length(&framing, 5);
        struct result result = feed(&framing, "helloGET /", piece);
        assert_int_equal(result.status, 0);
        assert_true(result.is_done);
        assert_int_equal(result.taken, 5);
        assert_string_equal(result.body, "hello");
    }
}

static void test_no_body(void **state)
{
    struct framing framing;
    (void)state;
    framing_start_length(&framing, 0);
    assert_true(framing_is_done(&framing));
    framing_start_length(&framing, 1);
    assert_false(framing_is_done(&framing));
    framing_start_chunked(&framing);
    assert_false(framing_is_done(&framing));
}

static void test_chunks(void **state)
{
    static const char text[] =
        "5;x=\"y\"\r\nhello\r\n1\r\n \r\n00c\r\nwide \r\nworld\r\n0;z\r\nA: b\r\nC:\r\n\r\n";
    (void)state;
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        struct framing framing;
        char followed[sizeof text + 4];
        snprintf(followed, sizeof followed, "%sGET", text);
        framing_start_chunked(&framing);
        struct result result = feed(&framing, followed, piece);
        assert_int_equal(result.status, 0);
        assert_true(result.is_done);
        assert_int_equal(result.taken, sizeof text - 1);
        assert_string_equal(result.body, "hello wide \r\nworld");
    }
}

static void test_cut_chunks_do_not_end(void **state)
{
    static const char text[] = "3\r\nabc\r\n0\r\n\r\n";
    (void)state;
    for (size_t bytes = 0; bytes + 1 < sizeof text; bytes++) {
        char cut[sizeof text] = "";
        struct framing framing;
        memcpy(cut, text, bytes);
        framing_start_chunked(&framing);
        struct result result = feed(&framing, cut, sizeof cut);
        assert_int_equal(result.status, 0);
        assert_false(result.is_done);
    }
}

static void test_bad_chunks(void **state)
{
    static const char *const texts[] = {
        "g\r\n",
        "\r\n",
        "5\n",
        "5 \r\n",
        "5\r\nhelloX",
        "5\r\nhello\n",
        "5\r\nhello\rX",
        "0\r\nA\r\n",
        "0\r\n A: b\r\n",
        "0\r\nA: \x01",
        "0\r\n\rX",
        "5;\x01",
        "5;\n",
        "1000000000000000\r\n",
        "0000000000000000\r\n",
        "-1",
        "+1",
        "0x1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (size_t piece = 1; piece < 20; piece++) {
            struct framing framing;
            framing_start_chunked(&framing);
            assert_int_equal(feed(&framing, texts[i], piece).status, -1);
            /* and it stays so */
            assert_int_equal(feed(&framing, "0\r\n\r\n", 1).status, -1);
        }
    }
}

static void test_largest_chunk(void **state)
{
    struct framing framing;
    (void)state;
    framing_start_chunked(&framing);
    assert_int_equal(feed(&framing, "fffffffffffffff\r\nx", 20).status, 0);
    assert_true(framing.left == 0xfffffffffffffffULL - 1);
}

/* Feeds one byte n times; returns how often it was taken. */
static size_t feed_many(struct framing *framing, char byte, size_t most)
{
    for (size_t i = 0; i < most; i++) {
        size_t taken = 0;
        size_t body = 0;
        if (framing_feed(framing, &byte, 1, &taken, &body, NULL) != 0) {
            return i;
        }
    }
    return most;
}

static void test_extensions_and_trailers_are_bounded(void **state)
{
    struct framing framing;
    (void)state;
    framing_start_chunked(&framing);
    assert_int_equal(feed(&framing, "5;", 20).status, 0);
    assert_int_equal(feed_many(&framing, 'a', 1000000), FRAMING_EXTENSION_BYTES);
    framing_start_chunked(&framing);
    assert_int_equal(feed(&framing, "0\r\nA:", 20).status, 0);
    assert_in_range(feed_many(&framing, 'a', 1000000), FRAMING_TRAILER_BYTES - 2, FRAMING_TRAILER_BYTES);
    framing_start_chunked(&framing);
    assert_int_equal(feed(&framing, "0\r\n", 20).status, 0);
    assert_in_range(feed_many(&framing, 'a', 1000000), FRAMING_TRAILER_BYTES, FRAMING_TRAILER_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_no_body),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_cut_chunks_do_not_end),
        cmocka_unit_test(test_bad_chunks),
        cmocka_unit_test(test_largest_chunk),
        cmocka_unit_test(test_extensions_and_trailers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
