// SPDX-License-Identifier: Apache-2.0
#include "common/image/image_head.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BYTES(literal) (const unsigned char *)(literal), sizeof(literal) - 1

static const unsigned char jpeg_start[] = {0xff, 0xd8};
/* SOF0, 8 bits, 300 lines of 400 samples, three components */
static const char jpeg_frame[] = "\xff\xc0\0\x11\x08\x01\x2c\x01\x90\3\1\x22\0\2\x11\1\3\x11\1";

/* Feeds the bytes in pieces of one size, ends, and returns how it went. */
static struct image_head head_of(const unsigned char *data, size_t bytes, size_t piece, struct err *err)
{
    struct image_head head;
    *err = (struct err){.code = ERR_NONE};
    image_head_init(&head);
    for (size_t at = 0; at < bytes; at += piece) {
        /* an exact copy, so that a sanitizer sees a read past the piece */
        size_t length = bytes - at < piece ? bytes - at : piece;
        unsigned char *copy = malloc(length);
        assert_non_null(copy);
        memcpy(copy, data + at, length);
        (void)image_head_feed(&head, copy, length, err);
        free(copy);
    }
    (void)image_head_end(&head, err);
    return head;
}

static void expect_size(const unsigned char *data, size_t bytes, enum image_format format, int width_px,
                        int height_px)
{
    for (size_t piece = 1; piece <= bytes; piece = piece < 70 ? piece + 1 : piece * 7) {
        struct err err;
        struct image_head head = head_of(data, bytes, piece, &err);
        assert_int_equal(head.state, IMAGE_HEAD_DONE);
        assert_int_equal(head.format, format);
        assert_int_equal(head.width_px, width_px);
        assert_int_equal(head.height_px, height_px);
        assert_int_equal(err.code, ERR_NONE);
    }
}

static void expect_refusal(const unsigned char *data, size_t bytes, enum err_code code)
{
    for (size_t piece = 1; piece <= bytes + 1; piece = piece < 70 ? piece + 1 : piece * 7) {
        struct err err;
        struct image_head head = head_of(data, bytes, piece, &err);
        assert_int_equal(head.state, IMAGE_HEAD_REFUSED);
        assert_int_equal(err.code, code);
    }
}

/* A JPEG: SOI, what is given, then the frame header. */
static size_t jpeg_of(unsigned char *out, const void *between, size_t bytes)
{
    memcpy(out, jpeg_start, sizeof jpeg_start);
    memcpy(out + 2, between, bytes);
    memcpy(out + 2 + bytes, jpeg_frame, sizeof jpeg_frame - 1);
    return 2 + bytes + sizeof jpeg_frame - 1;
}

static void expect_jpeg(const void *between, size_t bytes)
{
    unsigned char file[512];
    expect_size(file, jpeg_of(file, between, bytes), IMAGE_JPEG, 400, 300);
}

static void jpeg_sizes_are_found_behind_segments(void **state)
{
    (void)state;
    expect_jpeg("", 0);
    expect_jpeg(BYTES("\xff\xe0\0\4ab"));
    expect_jpeg(BYTES("\xff\xe1\0\x06\xff\xc0\xff\xd9\xff\xfe\0\2"));
    /* fill bytes, a restart marker and stray bytes, as libjpeg passes over them */
    expect_jpeg(BYTES("\xff\xff\xff\xff\xe0\0\2\xff\xff"));
    expect_jpeg(BYTES("\xff\x01\xff\xd3\xff\xdb\0\2\xff\xc4\0\2\xff\xdd\0\4\0\0"));
    expect_jpeg(BYTES("\xff\xe0\0\2garbage\xff\0"));
}

static void jpeg_kinds_are_taken_or_refused(void **state)
{
    (void)state;
    for (unsigned code = 0xc0; code <= 0xcf; code++) {
        unsigned char file[64];
        size_t bytes = jpeg_of(file, "", 0);
        file[3] = (unsigned char)code;
        /* 0xc4 and 0xcc are tables, behind which there is no frame here */
        if (code <= 0xc2 || code == 0xc9 || code == 0xca) {
            expect_size(file, bytes, IMAGE_JPEG, 400, 300);
        } else {
            expect_refusal(file, bytes, ERR_INVALID_IMAGE);
        }
    }
}

static void expect_bad_jpeg(const void *between, size_t bytes)
{
    unsigned char file[512];
    expect_refusal(file, jpeg_of(file, between, bytes), ERR_INVALID_IMAGE);
}

static void broken_jpegs_are_refused(void **state)
{
    (void)state;
    unsigned char file[64];
    size_t bytes = jpeg_of(file, "", 0);
    expect_bad_jpeg(BYTES("\xff\xda\0\2"));     /* data before a frame */
    expect_bad_jpeg(BYTES("\xff\xd9"));         /* the end */
    expect_bad_jpeg(BYTES("\xff\xd8"));         /* a second beginning */
    expect_bad_jpeg(BYTES("\xff\xe0\0\1"));     /* a length that can not be */
    expect_bad_jpeg(BYTES("\xff\xe0\xff\xff")); /* a segment beyond the end */
    expect_bad_jpeg(BYTES("\xff\x42\0\2"));     /* a reserved marker */
    for (size_t cut = 3; cut < bytes - 9; cut++) {
        expect_refusal(file, cut, ERR_INVALID_IMAGE);
    }
    struct {
        size_t at;
        unsigned char value;
    } changes[] = {{5, 0x12}, {6, 12}, {11, 0}, {11, 5}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        unsigned char kept = file[changes[i].at];
        file[changes[i].at] = changes[i].value;
        expect_refusal(file, bytes, ERR_INVALID_IMAGE);
        file[changes[i].at] = kept;
    }
    memset(file + 7, 0, 2); /* height 0: told by a DNL segment later, which no decoder here takes */
    expect_refusal(file, bytes, ERR_INVALID_IMAGE);
}

static const char png_file[] =
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\x2c\0\0\0\xc8\x08\2\0\0\0\xdd\xbd\x4b\x02";

static void pngs(void **state)
{
    (void)state;
    unsigned char file[sizeof png_file - 1];
    memcpy(file, png_file, sizeof file);
    expect_size(file, sizeof file, IMAGE_PNG, 300, 200);
    for (size_t i = 8; i < sizeof file; i++) {
        file[i] ^= 0x10;
        expect_refusal(file, sizeof file, ERR_INVALID_IMAGE);
        file[i] ^= 0x10;
    }
    for (size_t cut = 8; cut < sizeof file; cut++) {
        expect_refusal(file, cut, ERR_INVALID_IMAGE);
    }
    for (size_t i = 0; i < 8; i++) {
        file[i] ^= 0x01;
        expect_refusal(file, sizeof file, ERR_UNSUPPORTED_FORMAT);
        file[i] ^= 0x01;
    }
}

static void webps(void **state)
{
    (void)state;
    expect_size(BYTES("RIFF\x2a\0\0\0WEBPVP8 \x1e\0\0\0\x10\0\0\x9d\x01\x2a\x90\x01\x2c\x41"), IMAGE_WEBP,
                400, 300);
    expect_size(BYTES("RIFF\x2a\0\0\0WEBPVP8L\x1e\0\0\0\x2f\x8f\xc1\x4a\x00"), IMAGE_WEBP, 400, 300);
    expect_size(BYTES("RIFF\x2a\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\x8f\1\0\x2b\1\0"), IMAGE_WEBP, 400, 300);
    expect_refusal(BYTES("RIFF\x2a\0\0\0WEBPVP8 \x1e\0\0\0\x11\0\0\x9d\x01\x2a\x90\x01\x2c\x41"),
                   ERR_INVALID_IMAGE);
    expect_refusal(BYTES("RIFF\x2a\0\0\0WEBPVP8 \x1e\0\0\0\x10\0\0\x9d\x01\x2b\x90\x01\x2c\x41"),
                   ERR_INVALID_IMAGE);
    expect_refusal(BYTES("RIFF\x2a\0\0\0WEBPVP8 \x1e\0\0\0\x10\0\0\x9d\x01\x2a\0\0\x2c\x41"),
                   ERR_INVALID_IMAGE);
    expect_refusal(BYTES("RIFF\x2a\0\0\0WEBPVP8L\x1e\0\0\0\x2e\x8f\xc1\x4a\x00"), ERR_INVALID_IMAGE);
    expect_refusal(BYTES("RIFF\x2a\0\0\0WEBPVP8X\x09\0\0\0\x10\0\0\0\x8f\1\0\x2b\1\0"), ERR_INVALID_IMAGE);
    expect_refusal(BYTES("RIFF\x2a\0\0\0WEBPICCP\x09\0\0\0\x10\0\0\0\x8f\1\0\x2b\1\0"), ERR_INVALID_IMAGE);
    expect_refusal(BYTES("RIFF\x0f\0\0\0WEBPVP8L\x1e\0\0\0\x2f\x8f\xc1\x4a\x00"), ERR_INVALID_IMAGE);
    expect_refusal(BYTES("RIFF\x2a\0\0\0WEBPVP8L\x1e\0\0\0\x2f\x8f"), ERR_INVALID_IMAGE);
    expect_refusal(BYTES("RIFF\x2a\0\0\0WAVEfmt \x1e\0\0\0\x2f\x8f\xc1\x4a\x00"), ERR_UNSUPPORTED_FORMAT);
}

static void other_files_are_unsupported(void **state)
{
    (void)state;
    expect_refusal(BYTES(""), ERR_NO_FILE);
    expect_refusal(BYTES("G"), ERR_UNSUPPORTED_FORMAT);
    expect_refusal(BYTES("\xff\xd8"), ERR_UNSUPPORTED_FORMAT);
    expect_refusal(BYTES("\x89PNG"), ERR_UNSUPPORTED_FORMAT);
    expect_refusal(BYTES("RIFF\x2a\0\0\0WEB"), ERR_UNSUPPORTED_FORMAT);
    expect_refusal(BYTES("GIF89a/*\xff\xd8\xff\xe0"), ERR_UNSUPPORTED_FORMAT);
    expect_refusal(BYTES("%PDF-1.4\n\xff\xd8\xff"), ERR_UNSUPPORTED_FORMAT);
    expect_refusal(BYTES("\n\x89PNG\r\n\x1a\n"), ERR_UNSUPPORTED_FORMAT);
    expect_refusal(BYTES("MATLAB 5.0 MAT-file"), ERR_UNSUPPORTED_FORMAT);
}

static void bytes_after_the_end_change_nothing(void **state)
{
    (void)state;
    struct image_head head;
    struct err err = {.code = ERR_NONE};
    image_head_init(&head);
    assert_int_equal(image_head_feed(&head, "GIF89a", 6, &err), IMAGE_HEAD_REFUSED);
    err.code = ERR_NONE;
    assert_int_equal(image_head_feed(&head, png_file, sizeof png_file - 1, &err), IMAGE_HEAD_REFUSED);
    assert_int_equal(image_head_end(&head, &err), IMAGE_HEAD_REFUSED);
    assert_int_equal(err.code, ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jpeg_sizes_are_found_behind_segments),
        cmocka_unit_test(jpeg_kinds_are_taken_or_refused),
        cmocka_unit_test(broken_jpegs_are_refused),
        cmocka_unit_test(pngs),
        cmocka_unit_test(webps),
        cmocka_unit_test(other_files_are_unsupported),
        cmocka_unit_test(bytes_after_the_end_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
