// SPDX-License-Identifier: Apache-2.0
/*
 * One small function for each place in the head: it takes a byte and tells the next place.
 *
 *   START ──► LINE ──CR──► LINE_LF ──LF──► NAME_FIRST ──► NAME ──:──► VALUE ──CR──► VALUE_LF ──LF──► NAME_FIRST
 *   START ──CR──► START_LF ──LF──► START   NAME_FIRST ──CR──► END_LF ──LF──► END
 */
#include "api/http/head_reader.h"

#include "api/http/headers.h"

enum { SKIPPED_BYTES = 4, REQUEST_LINE_BLANKS = 2 };

static enum head_place do_start(struct head_reader *reader, unsigned char c)
{
    if (c == '\r') {
        reader->skipped += 2;
        return reader->skipped <= SKIPPED_BYTES ? HEAD_START_LF : HEAD_BAD;
    }
    return c >= 'A' && c <= 'Z' ? HEAD_LINE : HEAD_BAD;
}

static enum head_place do_start_lf(struct head_reader *reader, unsigned char c)
{
    (void)reader;
    return c == '\n' ? HEAD_START : HEAD_BAD;
}

static enum head_place do_line(struct head_reader *reader, unsigned char c)
{
    if (c == '\r') {
        return reader->words == REQUEST_LINE_BLANKS ? HEAD_LINE_LF : HEAD_BAD;
    }
    if (c == ' ') {
        reader->words++;
        return reader->words <= REQUEST_LINE_BLANKS ? HEAD_LINE : HEAD_BAD;
    }
    reader->uri_bytes += reader->words == 1;
    return c > ' ' && c < 0x7f ? HEAD_LINE : HEAD_BAD;
}

static enum head_place do_line_lf(struct head_reader *reader, unsigned char c)
{
    (void)reader;
    return c == '\n' ? HEAD_NAME_FIRST : HEAD_BAD;
}

static enum head_place do_name_first(struct head_reader *reader, unsigned char c)
{
    if (c == '\r') {
        return HEAD_END_LF;
    }
    reader->headers++;
    return headers_is_token_byte(c) ? HEAD_NAME : HEAD_BAD;
}

static enum head_place do_name(struct head_reader *reader, unsigned char c)
{
    (void)reader;
    if (c == ':') {
        return HEAD_VALUE;
    }
    return headers_is_token_byte(c) ? HEAD_NAME : HEAD_BAD;
}

static enum head_place do_value(struct head_reader *reader, unsigned char c)
{
    (void)reader;
    if (c == '\r') {
        return HEAD_VALUE_LF;
    }
    return (c >= ' ' && c != 0x7f) || c == '\t' ? HEAD_VALUE : HEAD_BAD;
}

static enum head_place do_end_lf(struct head_reader *reader, unsigned char c)
{
    (void)reader;
    return c == '\n' ? HEAD_END : HEAD_BAD;
}

static enum head_place (*const places[])(struct head_reader *reader, unsigned char c) = {
    [HEAD_START] = do_start,     [HEAD_START_LF] = do_start_lf,     [HEAD_LINE] = do_line,
    [HEAD_LINE_LF] = do_line_lf, [HEAD_NAME_FIRST] = do_name_first, [HEAD_NAME] = do_name,
    [HEAD_VALUE] = do_value,     [HEAD_VALUE_LF] = do_line_lf,      [HEAD_END_LF] = do_end_lf,
};

void head_reader_init(struct head_reader *reader, size_t max_bytes, size_t max_headers)
{
    *reader = (struct head_reader){.max_bytes = max_bytes, .max_headers = max_headers, .place = HEAD_START};
    buf_init(&reader->text, max_bytes);
}

void head_reader_release(struct head_reader *reader)
{
    buf_release(&reader->text);
    head_reader_init(reader, reader->max_bytes, reader->max_headers);
}

bool head_reader_has_begun(const struct head_reader *reader)
{
    return reader->place > HEAD_START_LF;
}

static int refuse_size(const struct head_reader *reader, struct err *err)
{
    if (reader->place == HEAD_LINE && reader->words > 0) {
        return err_set(err, ERR_URI_TOO_LONG, "the request target is longer than the limit");
    }
    return err_set(err, ERR_HEADERS_TOO_LARGE, "the head is larger than %zu bytes or %zu fields",
                   reader->max_bytes, reader->max_headers);
}

int head_reader_feed(struct head_reader *reader, const char *data, size_t bytes, size_t *taken,
                     struct err *err)
{
    size_t room = reader->max_bytes - reader->text.used;
    size_t at = 0;
    size_t from = 0; /* where the request line begins in this piece */
    while (at < bytes && reader->place != HEAD_END) {
        bool is_before = !head_reader_has_begun(reader);
        reader->place = places[reader->place](reader, (unsigned char)data[at]);
        if (reader->place == HEAD_BAD) {
            return err_set(err, ERR_BAD_REQUEST, "byte %zu of the head may not stand there",
                           reader->text.used + at - from);
        }
        at++;
        if (is_before && !head_reader_has_begun(reader)) {
            from = at;
        }
        if (at - from > room || reader->uri_bytes > HEAD_URI_BYTES || reader->headers > reader->max_headers) {
            return refuse_size(reader, err);
        }
    }
    if (buf_add(&reader->text, data + from, at - from) != 0) {
        return err_set(err, ERR_HEADERS_TOO_LARGE, "no memory for a head");
    }
    *taken = at;
    return 0;
}
