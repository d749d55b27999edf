// SPDX-License-Identifier: Apache-2.0
/*
 * The first byte of a value gives its kind, and either its number or count itself or in how many big-endian bytes that
 * follows. head_read makes one struct of all of them.
 */
#include "common/job/pack.h"

enum kind { NOTHING, SCALAR, UNSIGNED, SIGNED, TEXT, BINARY, ARRAY, MAP };

/* SCALAR: nil, bool, float, ext, of which only the size matters. */
struct head {
    enum kind kind;
    uint64_t
        number; /* UNSIGNED, and SIGNED in two's complement: the value; ARRAY: elements; MAP: pairs; else: bytes that follow */
};

/* How the bytes 0xc0 to 0xdf are read: `size` bytes of number, then (scalars) `extra` bytes more than it. */
static const struct row {
    enum kind kind;
    unsigned char size;
    unsigned char extra;
} rows[32] = {
    {SCALAR, 0, 0},   /* c0 nil */
    {NOTHING, 0, 0},  /* c1 never used */
    {SCALAR, 0, 0},   /* c2 false */
    {SCALAR, 0, 0},   /* c3 true */
    {BINARY, 1, 0},   /* c4 bin 8 */
    {BINARY, 2, 0},   /* c5 bin 16 */
    {BINARY, 4, 0},   /* c6 bin 32 */
    {SCALAR, 1, 1},   /* c7 ext 8: one byte of type */
    {SCALAR, 2, 1},   /* c8 ext 16 */
    {SCALAR, 4, 1},   /* c9 ext 32 */
    {SCALAR, 0, 4},   /* ca float 32 */
    {SCALAR, 0, 8},   /* cb float 64 */
    {UNSIGNED, 1, 0}, /* cc uint 8 */
    {UNSIGNED, 2, 0}, /* cd uint 16 */
    {UNSIGNED, 4, 0}, /* ce uint 32 */
    {UNSIGNED, 8, 0}, /* cf uint 64 */
    {SIGNED, 1, 0},   /* d0 int 8 */
    {SIGNED, 2, 0},   /* d1 int 16 */
    {SIGNED, 4, 0},   /* d2 int 32 */
    {SIGNED, 8, 0},   /* d3 int 64 */
    {SCALAR, 0, 2},   /* d4 fixext 1 */
    {SCALAR, 0, 3},   /* d5 fixext 2 */
    {SCALAR, 0, 5},   /* d6 fixext 4 */
    {SCALAR, 0, 9},   /* d7 fixext 8 */
    {SCALAR, 0, 17},  /* d8 fixext 16 */
    {TEXT, 1, 0},     /* d9 str 8 */
    {TEXT, 2, 0},     /* da str 16 */
    {TEXT, 4, 0},     /* db str 32 */
    {ARRAY, 2, 0},    /* dc array 16 */
    {ARRAY, 4, 0},    /* dd array 32 */
    {MAP, 2, 0},      /* de map 16 */
    {MAP, 4, 0},      /* df map 32 */
};

static struct head short_head(unsigned char first)
{
    if (first < 0x80) {
        return (struct head){UNSIGNED, first};
    }
    if (first < 0x90) {
        return (struct head){MAP, first & 0x0f};
    }
    if (first < 0xa0) {
        return (struct head){ARRAY, first & 0x0f};
    }
    if (first < 0xc0) {
        return (struct head){TEXT, first & 0x1f};
    }
    return (struct head){SIGNED, (uint64_t)first | ~UINT64_C(0xff)};
}

/* Reads a head. What it promises fits into the bytes that are left after it (an element or pair has at least 1 or 2). */
static int head_read(struct pack *pack, struct head *head)
{
    if (pack->left == 0) {
        return -1;
    }
    unsigned char first = *pack->at++;
    pack->left--;
    if (first < 0xc0 || first >= 0xe0) {
        *head = short_head(first);
    } else {
        const struct row *row = &rows[first - 0xc0];
        if (row->kind == NOTHING || pack->left < row->size) {
            return -1;
        }
        uint64_t number = row->kind == SIGNED && pack->at[0] >= 0x80 ? UINT64_MAX : 0;
        for (size_t i = 0; i < row->size; i++) {
            number = number << 8 | pack->at[i];
        }
        pack->at += row->size;
        pack->left -= row->size;
        *head = (struct head){row->kind, number + row->extra};
    }
    if (head->kind == UNSIGNED || head->kind == SIGNED) {
        return 0;
    }
    return head->number <= (head->kind == MAP ? pack->left / 2 : pack->left) ? 0 : -1;
}

/* Moves over `bytes` bytes; they are there, since head_read looked. */
static const unsigned char *move(struct pack *pack, size_t bytes)
{
    const unsigned char *from = pack->at;
    pack->at += bytes;
    pack->left -= bytes;
    return from;
}

int pack_map(struct pack *pack, size_t *pairs)
{
    struct head head;
    if (head_read(pack, &head) != 0 || head.kind != MAP) {
        return -1;
    }
    *pairs = (size_t)head.number;
    return 0;
}

static int read_run(struct pack *pack, enum kind kind, const unsigned char **data, size_t *bytes)
{
    struct head head;
    if (head_read(pack, &head) != 0 || head.kind != kind) {
        return -1;
    }
    *bytes = (size_t)head.number;
    *data = move(pack, *bytes);
    return 0;
}

int pack_text(struct pack *pack, const unsigned char **text, size_t *bytes)
{
    return read_run(pack, TEXT, text, bytes);
}

int pack_binary(struct pack *pack, const unsigned char **data, size_t *bytes)
{
    return read_run(pack, BINARY, data, bytes);
}

int pack_int(struct pack *pack, int64_t least, int64_t most, int64_t *number)
{
    struct head head;
    if (head_read(pack, &head) != 0 || (head.kind != UNSIGNED && head.kind != SIGNED) ||
        (head.kind == UNSIGNED && head.number > INT64_MAX)) {
        return -1;
    }
    int64_t value = (int64_t)head.number;
    if (value < least || value > most) {
        return -1;
    }
    *number = value;
    return 0;
}

int pack_skip(struct pack *pack)
{
    /* values still to skip; each takes a byte at least, so the loop ends with the input */
    uint64_t values = 1;
    while (values > 0) {
        struct head head;
        if (head_read(pack, &head) != 0) {
            return -1;
        }
        values--;
        switch (head.kind) {
        case ARRAY:
            values += head.number;
            break;
        case MAP:
            values += 2 * head.number;
            break;
        case SCALAR:
        case TEXT:
        case BINARY:
            move(pack, (size_t)head.number);
            break;
        case NOTHING:
        case UNSIGNED:
        case SIGNED:
            break;
        }
        if (values > pack->left) {
            return -1;
        }
    }
    return 0;
}
