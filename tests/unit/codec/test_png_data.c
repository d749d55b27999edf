// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/png_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

enum { MOST_BYTES = 1 << 20 };

struct file {
    unsigned char *data;
    size_t bytes;
};

static void put_big(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (unsigned char)(value >> (24 - 8 * i));
    }
}

/* A PNG of that kind whose rows come to `raw` bytes, in IDAT chunks of `piece` bytes. Checksums of chunks are not looked at. */
static struct file png_of(uint32_t width, uint32_t height, unsigned char depth, unsigned char colour,
                          unsigned char laced, size_t raw, size_t piece)
{
    static const unsigned char start[16] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                            0,    0,   0,   13,  'I',  'H',  'D',  'R'};
    static const unsigned char name[4] = {'I', 'D', 'A', 'T'};
    struct file file = {.data = calloc(1, MOST_BYTES), .bytes = 33};
    unsigned char *rows = calloc(1, raw + 1);
    uLongf length = compressBound(raw);
    unsigned char *packed = malloc(length);
    assert_true(file.data != NULL && rows != NULL && packed != NULL);
    for (size_t i = 0; i < raw; i++) {
        rows[i] = (unsigned char)(i * i >> 3);
    }
    assert_int_equal(compress(packed, &length, rows, raw), Z_OK);
    memcpy(file.data, start, sizeof start);
    put_big(file.data + 16, width);
    put_big(file.data + 20, height);
    file.data[24] = depth;
    file.data[25] = colour;
    file.data[28] = laced;
    for (size_t at = 0; at < length; at += piece) {
        size_t bytes = length - at < piece ? length - at : piece;
        assert_true(file.bytes + bytes + 12 <= MOST_BYTES);
        put_big(file.data + file.bytes, (uint32_t)bytes);
        memcpy(file.data + file.bytes + 4, name, sizeof name);
        memcpy(file.data + file.bytes + 8, packed + at, bytes);
        file.bytes += bytes + 12;
    }
    free(rows);
    free(packed);
    return file;
}

static bool is_sound(uint32_t width, uint32_t height, unsigned char depth, unsigned char colour,
                     unsigned char laced, size_t raw, size_t piece)
{
    struct file file = png_of(width, height, depth, colour, laced, raw, piece);
    bool answer = png_data_is_sound(file.data, file.bytes);
    free(file.data);
    return answer;
}

static void rows_are_counted_for_each_kind(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height;
        unsigned char depth, colour, laced;
        size_t raw;
    } kinds[] = {
        {100, 50, 8, 2, 0, 15050},
        {100, 50, 16, 6, 0, 40050},
        {100, 50, 8, 4, 0, 10050},
        {9, 5, 1, 0, 0, 15},
        {9, 5, 2, 3, 0, 20},
        {1, 1, 8, 0, 1, 2},
        /* Adam7, 8 x 8, 8 bits: 1x1, 1x1, 2x1, 2x2, 4x2, 4x4, 8x4 pixels in rows with a filter byte */
        {8, 8, 8, 0, 1, 2 + 2 + 3 + 6 + 10 + 20 + 36},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (size_t piece = 1; piece < 100000; piece *= 10) {
            assert_true(is_sound(kinds[i].width, kinds[i].height, kinds[i].depth, kinds[i].colour,
                                 kinds[i].laced, kinds[i].raw, piece));
            assert_false(is_sound(kinds[i].width, kinds[i].height, kinds[i].depth, kinds[i].colour,
                                  kinds[i].laced, kinds[i].raw - 1, piece));
        }
    }
    assert_false(is_sound(8, 8, 8, 5, 0, 72, 100));
}

static void a_wrong_checksum_at_the_very_end_is_seen(void **state)
{
    (void)state;
    struct file file = png_of(100, 50, 8, 2, 0, 15050, 5000);
    assert_true(png_data_is_sound(file.data, file.bytes));
    file.data[file.bytes - 5] ^= 1; /* the last byte of the stream */
    assert_false(png_data_is_sound(file.data, file.bytes));
    file.data[file.bytes - 5] ^= 1;
    for (size_t cut = 0; cut < file.bytes; cut += 97) {
        assert_false(png_data_is_sound(file.data, cut));
    }
    free(file.data);
}

static void surplus_bytes_are_not_inflated_to_their_end(void **state)
{
    (void)state;
    assert_true(is_sound(100, 50, 8, 2, 0, 15050 + 1000000, 5000));
    assert_true(is_sound(100, 50, 8, 2, 0, 15050 + 1, 5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_counted_for_each_kind),
        cmocka_unit_test(a_wrong_checksum_at_the_very_end_is_seen),
        cmocka_unit_test(surplus_bytes_are_not_inflated_to_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
