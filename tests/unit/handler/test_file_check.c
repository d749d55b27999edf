// SPDX-License-Identifier: Apache-2.0
#include "api/handler/file_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct image_limits limits = {.max_file_bytes = 1000,
                                           .min_side_px = 200,
                                           .max_side_px = 5000,
                                           .max_pixels = 40000000,
                                           .max_frames = 64,
                                           .max_scans = 100};

/* CRC-32 as PNG has it (W3C PNG, annex D), bit by bit. */
static uint32_t crc_of(const unsigned char *data, size_t bytes)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }
    return ~crc;
}

/* The start of a PNG: signature, and IHDR with 8-bit RGB. */
static void png_head(unsigned char out[33], unsigned width, unsigned height)
{
    static const unsigned char head[29] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0,
                                           0,    13,  'I', 'H', 'D',  'R',  0,    0,    0, 0,
                                           0,    0,   0,   0,   8,    2,    0,    0,    0};
    memcpy(out, head, sizeof(head));
    out[18] = (unsigned char)(width >> 8);
    out[19] = (unsigned char)width;
    out[22] = (unsigned char)(height >> 8);
    out[23] = (unsigned char)height;
    uint32_t crc = crc_of(out + 12, 17);
    for (int i = 0; i < 4; i++) {
        out[29 + i] = (unsigned char)(crc >> (24 - 8 * i));
    }
}

static enum err_code code_of(const void *data, size_t bytes)
{
    struct file_check check;
    struct err err = {0};
    unsigned char sha256[DIGEST_BYTES];
    file_check_init(&check, &limits);
    int failed = file_check_feed(&check, data, bytes, &err) || file_check_end(&check, sha256, &err);
    file_check_release(&check);
    return failed ? err.code : ERR_NONE;
}

static void test_a_good_file_is_known_byte_by_byte(void **state)
{
    (void)state;
    unsigned char data[1000] = {0};
    unsigned char expected[DIGEST_BYTES];
    unsigned char sha256[DIGEST_BYTES];
    struct file_check check;
    struct err err;
    png_head(data, 300, 200);
    digest_of(data, sizeof(data), expected);
    file_check_init(&check, &limits);
    for (size_t i = 0; i < sizeof(data); i++) {
        assert_int_equal(file_check_feed(&check, data + i, 1, &err), 0);
    }
    assert_int_equal(file_check_end(&check, sha256, &err), 0);
    file_check_release(&check);
    assert_int_equal(check.bytes, 1000);
    assert_int_equal(check.head.format, IMAGE_PNG);
    assert_int_equal(check.head.width_px, 300);
    assert_memory_equal(sha256, expected, DIGEST_BYTES);
}

static void test_sides_are_refused_with_the_head(void **state)
{
    (void)state;
    unsigned char data[33];
    png_head(data, 300, 199);
    assert_int_equal(code_of(data, sizeof(data)), ERR_TOO_SMALL);
    png_head(data, 5001, 300);
    assert_int_equal(code_of(data, sizeof(data)), ERR_TOO_LARGE);
}

static void test_one_byte_too_many_is_refused_when_it_comes(void **state)
{
    (void)state;
    unsigned char data[1001] = {0};
    struct file_check check;
    struct err err;
    png_head(data, 300, 300);
    file_check_init(&check, &limits);
    assert_int_equal(file_check_feed(&check, data, 1000, &err), 0);
    assert_int_equal(file_check_feed(&check, data + 1000, 1, &err), -1);
    assert_int_equal(err.code, ERR_FILE_TOO_LARGE);
    file_check_release(&check);
}

static void test_other_content_is_refused_with_its_first_bytes(void **state)
{
    (void)state;
    assert_int_equal(code_of("GIF89a\x10\0\x10\0", 10), ERR_UNSUPPORTED_FORMAT);
    assert_int_equal(code_of("<html></html>", 13), ERR_UNSUPPORTED_FORMAT);
    assert_int_equal(code_of("", 0), ERR_NO_FILE);
}

static void test_a_file_that_ends_inside_its_head_is_no_image(void **state)
{
    (void)state;
    unsigned char data[33];
    png_head(data, 300, 300);
    enum err_code code = code_of(data, 20);
    assert_true(code == ERR_INVALID_IMAGE || code == ERR_UNSUPPORTED_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_file_is_known_byte_by_byte),
        cmocka_unit_test(test_sides_are_refused_with_the_head),
        cmocka_unit_test(test_one_byte_too_many_is_refused_when_it_comes),
        cmocka_unit_test(test_other_content_is_refused_with_its_first_bytes),
        cmocka_unit_test(test_a_file_that_ends_inside_its_head_is_no_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
