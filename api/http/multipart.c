// SPDX-License-Identifier: Apache-2.0
/*
 *   PREAMBLE ──delimiter──► AFTER ──CRLF──► HEAD ──empty line──► DATA ──delimiter──► AFTER ──"--"──► EPILOGUE
 *
 * The delimiter is CRLF, two dashes and the boundary. A CR stands at its start only, so a match that fails can begin anew only at
 * the byte where it failed, and the bytes carried over from piece to piece are always a start of the delimiter: their number is
 * enough to know them.
 */
#include "api/http/multipart.h"

#include "api/http/multipart_head.h"
#include "common/base/arena.h"

enum {
    HEAD_BYTES = 4096,   /* of one part's header */
    HEADS_BYTES = 65536, /* of all parts' headers */
    MAX_PARTS = 128,
    PADDING_BYTES = 64, /* blanks behind a boundary (RFC 2046: transport padding) */
    CRLF_BYTES = 2
};

enum place { PREAMBLE, AFTER, AFTER_CR, AFTER_DASH, HEAD, DATA, EPILOGUE, BAD };

struct multipart {
    struct arena *arena;
    const struct multipart_events *events;
    void *owner;
    enum place place;
    char delimiter[MULTIPART_BOUNDARY_BYTES + 5];
    size_t delimiter_bytes;
    size_t matched; /* bytes of the delimiter seen at the end of what was taken */
    size_t phantom; /* of these, those that are no data: they ended the header, or never came */
    size_t padding;
    size_t parts;
    size_t heads_bytes;
    size_t head_bytes;
    char head[HEAD_BYTES + 1];
};

struct input {
    const char *at;
    const char *end;
    bool is_stopped; /* an event returned false */
};

struct multipart *multipart_new(struct arena *arena, const char *content_type,
                                const struct multipart_events *events, void *owner, struct err *err)
{
    char boundary[MULTIPART_BOUNDARY_BYTES + 1];
    if (multipart_read_boundary(content_type, boundary, err) != 0) {
        return NULL;
    }
    struct multipart *m = arena_alloc(arena, sizeof *m);
    m->arena = arena;
    m->events = events;
    m->owner = owner;
    m->place = PREAMBLE;
    int length = snprintf(m->delimiter, sizeof m->delimiter, "\r\n--%s", boundary);
    m->delimiter_bytes = (size_t)length;
    /* the first delimiter needs no CRLF where the body begins with it */
    m->matched = CRLF_BYTES;
    m->phantom = CRLF_BYTES;
    return m;
}

static void emit(struct multipart *m, struct input *in, const char *data, size_t bytes)
{
    if (bytes > 0 && m->place == DATA && !m->events->on_data(m->owner, data, bytes)) {
        in->is_stopped = true;
    }
}

static void end_data(struct multipart *m, struct input *in)
{
    bool is_part = m->place == DATA;
    m->place = AFTER;
    m->matched = 0;
    m->phantom = 0;
    m->padding = 0;
    if (is_part && !m->events->on_part_end(m->owner)) {
        in->is_stopped = true;
    }
}

/* Goes on with a delimiter that an earlier piece began. */
static void do_matched(struct multipart *m, struct input *in)
{
    size_t left = m->delimiter_bytes - m->matched;
    size_t here = (size_t)(in->end - in->at);
    size_t bytes = here < left ? here : left;
    if (memcmp(in->at, m->delimiter + m->matched, bytes) == 0) {
        in->at += bytes;
        m->matched += bytes;
        if (m->matched == m->delimiter_bytes) {
            end_data(m, in);
        }
        return;
    }
    /* bytes that match in part are looked at again below: they are still in the input */
    size_t carried = m->matched;
    size_t phantom = m->phantom;
    m->matched = 0;
    m->phantom = 0;
    emit(m, in, m->delimiter + phantom, carried - phantom);
}

/* The last bytes of the input that may be the start of a delimiter. */
static size_t tail_match(const struct multipart *m, const struct input *in)
{
    size_t here = (size_t)(in->end - in->at);
    size_t most = here < m->delimiter_bytes - 1 ? here : m->delimiter_bytes - 1;
    const char *cr = memrchr(in->end - most, '\r', most);
    if (cr == NULL || memcmp(cr, m->delimiter, (size_t)(in->end - cr)) != 0) {
        return 0;
    }
    return (size_t)(in->end - cr);
}

static void do_data(struct multipart *m, struct input *in)
{
    if (m->matched > 0) {
        do_matched(m, in);
        return;
    }
    size_t here = (size_t)(in->end - in->at);
    const char *found = memmem(in->at, here, m->delimiter, m->delimiter_bytes);
    size_t tail = found == NULL ? tail_match(m, in) : 0;
    const char *data = in->at;
    const char *data_end = found == NULL ? in->end - tail : found;
    in->at = data_end;
    emit(m, in, data, (size_t)(data_end - data));
    if (in->is_stopped) {
        return; /* what follows is fed again */
    }
    if (found != NULL) {
        in->at += m->delimiter_bytes;
        end_data(m, in);
    } else {
        in->at += tail;
        m->matched = tail;
    }
}

static void do_after(struct multipart *m, struct input *in)
{
    char c = *in->at++;
    if (c == '\r') {
        m->place = AFTER_CR;
    } else if (c == '-' && m->padding == 0) {
        m->place = AFTER_DASH;
    } else if ((c != ' ' && c != '\t') || ++m->padding > PADDING_BYTES) {
        m->place = BAD;
    }
}

static void do_after_cr(struct multipart *m, struct input *in)
{
    m->place = *in->at++ == '\n' && ++m->parts <= MAX_PARTS ? HEAD : BAD;
    m->head_bytes = 0;
}

static void do_after_dash(struct multipart *m, struct input *in)
{
    m->place = *in->at++ == '-' ? EPILOGUE : BAD;
}

static int do_head(struct multipart *m, struct input *in, struct err *err)
{
    bool is_whole = false;
    while (in->at < in->end && !is_whole) {
        if (m->head_bytes == HEAD_BYTES || ++m->heads_bytes > HEADS_BYTES || *in->at == '\0') {
            return err_set(err, ERR_BAD_REQUEST, "a part's header that is too large or holds a NUL");
        }
        m->head[m->head_bytes++] = *in->at++;
        bool ends_line = m->head_bytes >= 2 && memcmp(m->head + m->head_bytes - 2, "\r\n", 2) == 0;
        is_whole = ends_line && (m->head_bytes == 2 ||
                                 (m->head_bytes >= 4 && memcmp(m->head + m->head_bytes - 4, "\r\n", 2) == 0));
    }
    if (!is_whole) {
        return 0;
    }
    struct multipart_part part;
    m->head[m->head_bytes] = '\0';
    if (multipart_read_head(m->arena, m->head, &part, err) != 0) {
        return -1;
    }
    /* the empty line's CRLF may be the delimiter's too: a part without data */
    m->place = DATA;
    m->matched = CRLF_BYTES;
    m->phantom = CRLF_BYTES;
    if (!m->events->on_part(m->owner, &part)) {
        in->is_stopped = true;
    }
    return 0;
}

static int step(struct multipart *m, struct input *in, struct err *err)
{
    switch (m->place) {
    case PREAMBLE:
    case DATA:
        do_data(m, in);
        break;
    case AFTER:
        do_after(m, in);
        break;
    case AFTER_CR:
        do_after_cr(m, in);
        break;
    case AFTER_DASH:
        do_after_dash(m, in);
        break;
    case HEAD:
        return do_head(m, in, err);
    case EPILOGUE:
        in->at = in->end;
        break;
    case BAD:
        break;
    }
    if (m->place == BAD) {
        return err_set(err, ERR_BAD_REQUEST, "a boundary that is not well-formed, or too many parts");
    }
    return 0;
}

int multipart_feed(struct multipart *m, const char *data, size_t bytes, size_t *taken, struct err *err)
{
    struct input in = {.at = data, .end = data + bytes};
    while (in.at < in.end && !in.is_stopped) {
        if (step(m, &in, err) != 0) {
            m->place = BAD;
            return -1;
        }
    }
    *taken = (size_t)(in.at - data);
    return 0;
}

int multipart_end(struct multipart *m, struct err *err)
{
    if (m->place != EPILOGUE) {
        return err_set(err, ERR_BAD_REQUEST, "the form ends without its closing boundary");
    }
    return 0;
}
