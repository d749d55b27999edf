// SPDX-License-Identifier: Apache-2.0
/*
 * A connection's bytes through head_reader, parse and framing, as conn_read.c does it, twice: whole, and in pieces whose lengths the
 * input's first byte chooses. Both must tell the same; and what is told must keep the promises of parse.h.
 */
#include "api/http/framing.h"
#include "api/http/head_reader.h"
#include "api/http/parse.h"
#include "common/base/arena.h"
#include "common/base/text.h"

#include <assert.h>

enum { MAX_HEAD_BYTES = 2048, MAX_HEADERS = 16, TOLD_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct stream {
    struct buf told; /* everything that came out, as a text */
    struct head_reader head;
    struct framing framing;
    struct arena *arena;
    bool is_in_body;
    bool is_over;
};

static void tell(struct stream *stream, const char *word, const char *text, size_t bytes)
{
    int status = buf_add(&stream->told, word, strlen(word));
    status |= buf_add(&stream->told, text, bytes);
    assert(status == 0);
}

static void check_head(const struct http_head *head)
{
    assert(head->path[0] == '/');
    assert(text_is_utf8(head->path, strlen(head->path)));
    assert(!head->is_chunked || (head->content_length == -1 && !head->is_http_1_0));
    assert(headers_count(&head->headers, "content-length") +
               headers_count(&head->headers, "transfer-encoding") <=
           1);
    assert(headers_count(&head->headers, "host") == 1 || head->is_http_1_0);
    assert(head->headers.count <= MAX_HEADERS);
    for (size_t i = 0; i < head->headers.count; i++) {
        assert(head->headers.items[i].name[0] != '\0');
        assert(strpbrk(head->headers.items[i].value, "\r\n") == NULL);
    }
}

static size_t feed_head(struct stream *stream, const char *data, size_t bytes)
{
    struct err err = {.code = ERR_NONE};
    struct http_head head;
    size_t taken = 0;
    if (head_reader_feed(&stream->head, data, bytes, &taken, &err) != 0) {
        tell(stream, "\nrefused ", err_word(err.code), strlen(err_word(err.code)));
        stream->is_over = true;
        return 0;
    }
    assert(taken <= bytes && (taken == bytes || stream->head.place == HEAD_END));
    if (stream->head.place != HEAD_END) {
        return taken;
    }
    char *text = arena_copy(stream->arena, stream->head.text.data, stream->head.text.used);
    if (parse_head(stream->arena, text, stream->head.text.used, &head, &err) != 0) {
        tell(stream, "\nrefused ", err_word(err.code), strlen(err_word(err.code)));
        stream->is_over = true;
        return taken;
    }
    check_head(&head);
    tell(stream, "\nrequest ", head.path, strlen(head.path));
    tell(stream, "?", head.query, strlen(head.query));
    for (size_t i = 0; i < head.headers.count; i++) {
        tell(stream, "\n", head.headers.items[i].name, strlen(head.headers.items[i].name));
        tell(stream, ": ", head.headers.items[i].value, strlen(head.headers.items[i].value));
    }
    tell(stream, "\nbody ", "", 0);
    head_reader_release(&stream->head);
    if (head.is_chunked) {
        framing_start_chunked(&stream->framing);
    } else {
        framing_start_length(&stream->framing, head.content_length > 0 ? (uint64_t)head.content_length : 0);
    }
    stream->is_in_body = !framing_is_done(&stream->framing);
    return taken;
}

static size_t feed_body(struct stream *stream, const char *data, size_t bytes)
{
    char *copy = malloc(bytes);
    size_t taken = 0;
    size_t body = 0;
    assert(copy != NULL);
    memcpy(copy, data, bytes);
    if (framing_feed(&stream->framing, copy, bytes, &taken, &body, NULL) != 0) {
        stream->is_over = true;
    } else {
        assert(taken <= bytes && body <= taken && taken > 0);
        tell(stream, "", copy, body);
        stream->is_in_body = !framing_is_done(&stream->framing);
    }
    free(copy);
    return taken;
}

/* Feeds everything in pieces of `piece` bytes. told holds nothing of a body's piece that is not well framed: how much of it had come
 * before depends on the cut. */
static struct buf run(const char *data, size_t bytes, size_t piece)
{
    struct stream stream = {.arena = arena_new()};
    buf_init(&stream.told, TOLD_BYTES);
    head_reader_init(&stream.head, MAX_HEAD_BYTES, MAX_HEADERS);
    for (size_t start = 0; start < bytes && !stream.is_over; start += piece) {
        size_t end = bytes - start < piece ? bytes : start + piece;
        for (size_t at = start; at < end && !stream.is_over;) {
            at += stream.is_in_body ? feed_body(&stream, data + at, end - at)
                                    : feed_head(&stream, data + at, end - at);
        }
    }
    if (stream.is_over && stream.is_in_body) {
        buf_release(&stream.told);
    }
    head_reader_release(&stream.head);
    arena_free(stream.arena);
    return stream.told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 2 || bytes > 16384) {
        return 0;
    }
    size_t piece = (size_t)data[0] % 32 + 1;
    const char *text = (const char *)data + 1;
    struct buf whole = run(text, bytes - 1, bytes);
    struct buf cut = run(text, bytes - 1, piece);
    assert(whole.used == cut.used);
    assert(whole.used == 0 || memcmp(whole.data, cut.data, whole.used) == 0);
    buf_release(&whole);
    buf_release(&cut);
    return 0;
}
