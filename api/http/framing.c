// SPDX-License-Identifier: Apache-2.0
/*
 * One small function for each place between the bytes of a chunked body; the bytes themselves are moved in runs.
 *
 *   SIZE ─► SIZE_MORE ─CR─► SIZE_LF ─LF─► DATA ─► DATA_CR ─► DATA_LF ─► SIZE
 *           SIZE_MORE ─;─► EXTENSION ─CR─► SIZE_LF         size 0: SIZE_LF ─LF─► TRAILER
 *   TRAILER ─► TRAILER_NAME ─:─► TRAILER_VALUE ─CR─► TRAILER_LF ─LF─► TRAILER      TRAILER ─CR─► END_LF ─LF─► END
 */
#include "api/http/framing.h"

#include "api/http/headers.h"

enum { SIZE_DIGITS = 15 }; /* 60 bits: no sum of sizes overflows */

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    unsigned char lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool is_text(unsigned char c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

static enum framing_place do_size(struct framing *f, unsigned char c)
{
    int value = hex_value(c);
    if (value < 0 || ++f->digits > SIZE_DIGITS) {
        return FRAMING_BAD;
    }
    f->left = f->left * 16 + (uint64_t)value;
    return FRAMING_SIZE_MORE;
}

static enum framing_place do_size_more(struct framing *f, unsigned char c)
{
    if (c == '\r') {
        return FRAMING_SIZE_LF;
    }
    return c == ';' ? FRAMING_EXTENSION : do_size(f, c);
}

static enum framing_place do_extension(struct framing *f, unsigned char c)
{
    if (c == '\r') {
        return FRAMING_SIZE_LF;
    }
    return is_text(c) && ++f->extension <= FRAMING_EXTENSION_BYTES ? FRAMING_EXTENSION : FRAMING_BAD;
}

static enum framing_place do_size_lf(struct framing *f, unsigned char c)
{
    f->digits = 0;
    if (c != '\n') {
        return FRAMING_BAD;
    }
    return f->left > 0 ? FRAMING_DATA : FRAMING_TRAILER;
}

static enum framing_place do_data_cr(struct framing *f, unsigned char c)
{
    (void)f;
    return c == '\r' ? FRAMING_DATA_LF : FRAMING_BAD;
}

static enum framing_place do_data_lf(struct framing *f, unsigned char c)
{
    (void)f;
    return c == '\n' ? FRAMING_SIZE : FRAMING_BAD;
}

static enum framing_place do_trailer(struct framing *f, unsigned char c)
{
    if (c == '\r') {
        return FRAMING_END_LF;
    }
    return headers_is_token_byte(c) && ++f->trailer <= FRAMING_TRAILER_BYTES ? FRAMING_TRAILER_NAME
                                                                             : FRAMING_BAD;
}

static enum framing_place do_trailer_name(struct framing *f, unsigned char c)
{
    if (++f->trailer > FRAMING_TRAILER_BYTES) {
        return FRAMING_BAD;
    }
    if (c == ':') {
        return FRAMING_TRAILER_VALUE;
    }
    return headers_is_token_byte(c) ? FRAMING_TRAILER_NAME : FRAMING_BAD;
}

static enum framing_place do_trailer_value(struct framing *f, unsigned char c)
{
    if (c == '\r') {
        return FRAMING_TRAILER_LF;
    }
    return is_text(c) && ++f->trailer <= FRAMING_TRAILER_BYTES ? FRAMING_TRAILER_VALUE : FRAMING_BAD;
}

static enum framing_place do_trailer_lf(struct framing *f, unsigned char c)
{
    (void)f;
    return c == '\n' ? FRAMING_TRAILER : FRAMING_BAD;
}

static enum framing_place do_end_lf(struct framing *f, unsigned char c)
{
    (void)f;
    return c == '\n' ? FRAMING_END : FRAMING_BAD;
}

static enum framing_place (*const places[])(struct framing *f, unsigned char c) = {
    [FRAMING_SIZE] = do_size,
    [FRAMING_SIZE_MORE] = do_size_more,
    [FRAMING_EXTENSION] = do_extension,
    [FRAMING_SIZE_LF] = do_size_lf,
    [FRAMING_DATA_CR] = do_data_cr,
    [FRAMING_DATA_LF] = do_data_lf,
    [FRAMING_TRAILER] = do_trailer,
    [FRAMING_TRAILER_NAME] = do_trailer_name,
    [FRAMING_TRAILER_VALUE] = do_trailer_value,
    [FRAMING_TRAILER_LF] = do_trailer_lf,
    [FRAMING_END_LF] = do_end_lf,
};

void framing_start_length(struct framing *framing, uint64_t bytes)
{
    *framing = (struct framing){.place = bytes > 0 ? FRAMING_LENGTH : FRAMING_END, .left = bytes};
}

void framing_start_chunked(struct framing *framing)
{
    *framing = (struct framing){.place = FRAMING_SIZE};
}

bool framing_is_done(const struct framing *framing)
{
    return framing->place == FRAMING_END;
}

/* Moves a run of the body's bytes from `from` to `to`; returns its length. */
static size_t take_run(struct framing *f, char *to, const char *from, size_t bytes)
{
    size_t run = bytes < f->left ? bytes : (size_t)f->left;
    if (to != from) {
        memmove(to, from, run);
    }
    f->left -= run;
    if (f->left == 0) {
        f->place = f->place == FRAMING_LENGTH ? FRAMING_END : FRAMING_DATA_CR;
    }
    return run;
}

int framing_feed(struct framing *framing, char *data, size_t bytes, size_t *taken, size_t *body_bytes,
                 struct err *err)
{
    size_t at = 0;
    size_t body = 0;
    while (at < bytes && framing->place != FRAMING_END) {
        if (framing->place == FRAMING_LENGTH || framing->place == FRAMING_DATA) {
            size_t run = take_run(framing, data + body, data + at, bytes - at);
            at += run;
            body += run;
            continue;
        }
        if (framing->place != FRAMING_BAD) {
            framing->place = places[framing->place](framing, (unsigned char)data[at++]);
        }
        if (framing->place == FRAMING_BAD) {
            return err_set(err, ERR_BAD_REQUEST, "the body is not well framed");
        }
    }
    *taken = at;
    *body_bytes = body;
    return 0;
}
