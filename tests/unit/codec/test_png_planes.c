// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/png_planes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

enum { WIDTH_PX = 37, HEIGHT_PX = 23, MOST_BYTES = 16384, CHECKSUM_BYTES = 4, GREY = 0, RGB = 2, RGBA = 6 };

struct file {
    unsigned char data[MOST_BYTES];
    size_t bytes;
};

static void put_32(unsigned char *at, unsigned long value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (unsigned char)(value >> (24 - 8 * i));
    }
}

static void add_chunk(struct file *file, const char *name, const void *content, size_t bytes)
{
    unsigned char *at = file->data + file->bytes;
    assert_true(file->bytes + bytes + 12 <= MOST_BYTES);
    put_32(at, bytes);
    memcpy(at + 4, name, 4);
    if (bytes > 0) {
        memcpy(at + 8, content, bytes);
    }
    put_32(at + 8 + bytes, crc32(0, at + 4, (uInt)bytes + 4));
    file->bytes += bytes + 12;
}

static void begin(struct file *file, unsigned char bits, unsigned char type, unsigned char interlace)
{
    unsigned char header[13] = {0, 0, 0, WIDTH_PX, 0, 0, 0, HEIGHT_PX, bits, type, 0, 0, interlace};
    *file = (struct file){.data = {0x89, 'P', 'N', 'G', 13, 10, 26, 10}, .bytes = 8};
    add_chunk(file, "IHDR", header, sizeof header);
}

/* Unfiltered rows of one pixel of so many bytes, compressed; `more` bytes after the last row. */
static size_t compress_rows(const unsigned char *pixel, size_t pixel_bytes, size_t more, unsigned char *out)
{
    static unsigned char rows[HEIGHT_PX * (1 + WIDTH_PX * 8) + 4096];
    size_t stride = 1 + WIDTH_PX * pixel_bytes;
    uLongf bytes = MOST_BYTES / 2;
    memset(rows, 0, sizeof rows);
    for (size_t i = 0; i < HEIGHT_PX * WIDTH_PX; i++) {
        memcpy(rows + i / WIDTH_PX * stride + 1 + i % WIDTH_PX * pixel_bytes, pixel, pixel_bytes);
    }
    assert_int_equal(compress(out, &bytes, rows, HEIGHT_PX * stride + more), Z_OK);
    return bytes;
}

static void make(struct file *file, unsigned char bits, unsigned char type, const unsigned char *pixel,
                 size_t pixel_bytes)
{
    unsigned char packed[MOST_BYTES / 2];
    size_t bytes = compress_rows(pixel, pixel_bytes, 0, packed);
    begin(file, bits, type, 0);
    add_chunk(file, "IDAT", packed, bytes);
    add_chunk(file, "IEND", NULL, 0);
}

static void check_samples(const struct plane *plane, int wanted)
{
    for (int y = 0; y < plane->height_px; y++) {
        for (int x = 0; x < plane->width_px; x++) {
            assert_in_range(plane_row(plane, y)[x], wanted - 1, wanted + 1);
        }
    }
}

static void check_colour(const struct file *file, const unsigned char *background,
                         const int wanted[PLANES_COUNT])
{
    struct planes planes;
    struct png_planes *png = png_planes_open(file->data, file->bytes, background);
    assert_non_null(png);
    assert_true(png_planes_width_px(png) == WIDTH_PX && png_planes_height_px(png) == HEIGHT_PX);
    assert_true(png_planes_is_srgb(png));
    assert_int_equal(png_planes_read(png, &planes, NULL), 0);
    for (int i = 0; i < PLANES_COUNT; i++) {
        check_samples(&planes.plane[i], wanted[i]);
    }
    planes_release(&planes);
    png_planes_close(png);
}

static void colours_become_planes(void **state)
{
    (void)state;
    static const unsigned char white[3] = {255, 255, 255};
    struct file file;
    make(&file, 8, RGB, (const unsigned char[]){200, 100, 50}, 3);
    check_colour(&file, NULL, (const int[]){124, 86, 182});
    make(&file, 8, GREY, (const unsigned char[]){77}, 1);
    check_colour(&file, NULL, (const int[]){77, 128, 128});
    /* half of black on white */
    make(&file, 8, RGBA, (const unsigned char[]){0, 0, 0, 128}, 4);
    check_colour(&file, white, (const int[]){127, 128, 128});
}

static void transparency_of_one_colour_is_seen(void **state)
{
    (void)state;
    static const unsigned char background[3] = {10, 10, 10};
    static const unsigned char grey[2] = {0, 77};
    unsigned char packed[MOST_BYTES / 2];
    struct file file;
    size_t bytes = compress_rows((const unsigned char[]){77}, 1, 0, packed);
    begin(&file, 8, GREY, 0);
    add_chunk(&file, "tRNS", grey, sizeof grey);
    add_chunk(&file, "IDAT", packed, bytes);
    add_chunk(&file, "IEND", NULL, 0);
    check_colour(&file, background, (const int[]){10, 128, 128});
}

static void other_kinds_are_for_others(void **state)
{
    (void)state;
    static const unsigned char pixel[6] = {1, 2, 3, 4, 5, 6};
    struct file file;
    make(&file, 16, RGB, pixel, 6);
    assert_null(png_planes_open(file.data, file.bytes, NULL));
    make(&file, 8, RGBA, pixel, 4);
    assert_null(png_planes_open(file.data, file.bytes, NULL));
    begin(&file, 8, RGB, 1);
    add_chunk(&file, "IDAT", pixel, sizeof pixel);
    assert_null(png_planes_open(file.data, file.bytes, NULL));
    assert_null(png_planes_open(file.data, 20, NULL));
}

/* Reads a PNG of these compressed bytes, cut into two chunks. */
static enum err_code read_split(const unsigned char *packed, size_t bytes, size_t first)
{
    struct file file;
    struct planes planes;
    struct err err = {.code = ERR_NONE};
    begin(&file, 8, RGB, 0);
    add_chunk(&file, "IDAT", packed, first);
    add_chunk(&file, "IDAT", packed + first, bytes - first);
    add_chunk(&file, "IEND", NULL, 0);
    struct png_planes *png = png_planes_open(file.data, file.bytes, NULL);
    assert_non_null(png);
    if (png_planes_read(png, &planes, &err) == 0) {
        planes_release(&planes);
    }
    png_planes_close(png);
    return err.code;
}

static void wherever_it_is_cut_a_wrong_checksum_is_found(void **state)
{
    (void)state;
    static const unsigned char pixel[3] = {200, 100, 50};
    unsigned char packed[MOST_BYTES / 2];
    size_t bytes = compress_rows(pixel, sizeof pixel, 0, packed);
    for (size_t first = 1; first < bytes; first++) {
        assert_int_equal(read_split(packed, bytes, first), ERR_NONE);
    }
    for (size_t missing = 1; missing <= CHECKSUM_BYTES; missing++) {
        assert_int_equal(read_split(packed, bytes - missing, 2), ERR_CORRUPT_IMAGE);
    }
    packed[bytes - 1] ^= 1;
    for (size_t first = 1; first < bytes; first++) {
        assert_int_equal(read_split(packed, bytes, first), ERR_CORRUPT_IMAGE);
    }
}

static void too_little_is_corrupt_and_too_much_is_not(void **state)
{
    (void)state;
    static const unsigned char pixel[3] = {200, 100, 50};
    unsigned char packed[MOST_BYTES / 2];
    size_t bytes = compress_rows(pixel, sizeof pixel, 4000, packed);
    assert_int_equal(read_split(packed, bytes, 5), ERR_NONE);
    bytes = compress_rows(pixel, sizeof pixel, 0, packed);
    packed[bytes] = 0;
    assert_int_equal(read_split(packed, bytes + 1, 5), ERR_NONE);
    bytes = compress_rows(pixel, 1, 0, packed);
    assert_int_equal(read_split(packed, bytes, 5), ERR_CORRUPT_IMAGE);
}

static void a_file_that_is_cut_is_corrupt(void **state)
{
    (void)state;
    struct file file;
    make(&file, 8, RGB, (const unsigned char[]){200, 100, 50}, 3);
    /* all but the end marker, and its chunk's own checksum */
    for (size_t length = file.bytes - 13; length > 0; length--) {
        struct planes planes;
        struct err err = {.code = ERR_NONE};
        struct png_planes *png = png_planes_open(file.data, length, NULL);
        if (png != NULL) {
            assert_int_equal(png_planes_read(png, &planes, &err), -1);
            assert_int_equal(err.code, ERR_CORRUPT_IMAGE);
        }
        png_planes_close(png);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_become_planes),
        cmocka_unit_test(transparency_of_one_colour_is_seen),
        cmocka_unit_test(other_kinds_are_for_others),
        cmocka_unit_test(wherever_it_is_cut_a_wrong_checksum_is_found),
        cmocka_unit_test(too_little_is_corrupt_and_too_much_is_not),
        cmocka_unit_test(a_file_that_is_cut_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
