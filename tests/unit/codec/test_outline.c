// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/outline.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <zlib.h>

/* A file that a test builds. */
struct file {
    unsigned char data[2048];
    size_t bytes;
};

static void add(struct file *file, const void *data, size_t bytes)
{
    assert_true(file->bytes + bytes <= sizeof file->data);
    memcpy(file->data + file->bytes, data, bytes);
    file->bytes += bytes;
}

#define ADD(file, literal) add(file, literal, sizeof(literal) - 1)

static void add_big(struct file *file, uint32_t value)
{
    unsigned char bytes[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
                              (unsigned char)(value >> 8), (unsigned char)value};
    add(file, bytes, sizeof bytes);
}

static void add_little(struct file *file, uint32_t value)
{
    unsigned char bytes[4] = {(unsigned char)value, (unsigned char)(value >> 8), (unsigned char)(value >> 16),
                              (unsigned char)(value >> 24)};
    add(file, bytes, sizeof bytes);
}

/* The outline of the first bytes of a file, read from an exact copy. */
static struct outline outline_of(enum image_format format, const struct file *file, size_t bytes)
{
    struct outline outline;
    unsigned char *copy = malloc(bytes > 0 ? bytes : 1);
    assert_non_null(copy);
    memcpy(copy, file->data, bytes);
    outline_read(&outline, format, copy, bytes);
    if (outline.exif != NULL) {
        outline.exif = file->data + (outline.exif - copy);
    }
    free(copy);
    return outline;
}

static struct file a_jpeg(void)
{
    struct file file = {.bytes = 0};
    ADD(&file, "\xff\xd8\xff\xe1\0\x0d"
               "Exif\0\0TIFF!");
    ADD(&file, "\xff\xe1\0\x0c"
               "Exif\0\0late");
    ADD(&file, "\xff\xda\0\3\1ab\xff\0cd\xff\xd0zz\xff\xff\xd7yy"); /* stuffed bytes and restarts are data */
    ADD(&file, "\xff\xc4\0\4\xff\xd9");                             /* a table that looks like an end */
    ADD(&file, "\xff\xda\0\3\2more");
    ADD(&file, "\xff\xd9");
    return file;
}

static void a_jpegs_scans_and_end(void **state)
{
    (void)state;
    struct file file = a_jpeg();
    struct outline outline = outline_of(IMAGE_JPEG, &file, file.bytes);
    assert_int_equal(outline.scans, 2);
    assert_int_equal(outline.frames, 1);
    assert_true(outline.is_whole);
    assert_int_equal(outline.exif_bytes, 5);
    assert_memory_equal(outline.exif, "TIFF!", 5);
    for (size_t cut = 0; cut < file.bytes; cut++) {
        assert_false(outline_of(IMAGE_JPEG, &file, cut).is_whole);
    }
    ADD(&file, "PK\3\4 a stranger's file \xff\xda\0\2");
    outline = outline_of(IMAGE_JPEG, &file, file.bytes);
    assert_true(outline.is_whole);
    assert_int_equal(outline.scans, 2);
}

static void a_jpeg_without_data_is_not_whole(void **state)
{
    (void)state;
    struct file file = {.bytes = 0};
    ADD(&file, "\xff\xd8\xff\xd9");
    assert_false(outline_of(IMAGE_JPEG, &file, file.bytes).is_whole);
}

static void add_chunk(struct file *file, const char *name, const void *data, size_t bytes)
{
    size_t from = file->bytes + 4;
    add_big(file, (uint32_t)bytes);
    add(file, name, 4);
    add(file, data, bytes);
    add_big(file, (uint32_t)crc32(0, file->data + from, (uInt)(file->bytes - from)));
}

static struct file a_png(void)
{
    struct file file = {.bytes = 0};
    ADD(&file, "\x89PNG\r\n\x1a\n");
    add_chunk(&file, "IHDR", "\0\0\0\1\0\0\0\1\x08\0\0\0\0", 13);
    add_chunk(&file, "acTL", "\0\0\0\x14\0\0\0\0", 8);
    add_chunk(&file, "eXIf", "MM\0*", 4);
    add_chunk(&file, "IDAT", "pixels", 6);
    add_chunk(&file, "IEND", "", 0);
    return file;
}

static void a_pngs_frames_and_end(void **state)
{
    (void)state;
    struct file file = a_png();
    struct outline outline = outline_of(IMAGE_PNG, &file, file.bytes);
    assert_int_equal(outline.frames, 20);
    assert_int_equal(outline.scans, 1);
    assert_true(outline.is_whole && outline.is_sound);
    assert_int_equal(outline.exif_bytes, 4);
    assert_memory_equal(outline.exif, "MM\0*", 4);
    for (size_t cut = 0; cut < file.bytes; cut++) {
        assert_false(outline_of(IMAGE_PNG, &file, cut).is_whole);
    }
}

static void a_pngs_checksums(void **state)
{
    (void)state;
    struct file file = a_png();
    size_t sound = 0;
    for (size_t i = 8; i < file.bytes; i++) {
        file.data[i] ^= 1;
        struct outline outline = outline_of(IMAGE_PNG, &file, file.bytes);
        sound += outline.is_whole && outline.is_sound;
        file.data[i] ^= 1;
    }
    /* what is changed within a chunk that is not critical is no fault of the picture: acTL and eXIf, less their lengths */
    assert_int_equal(sound, (4 + 8 + 4) + (4 + 4 + 4));
}

static void add_riff(struct file *file, const char *name, const void *data, size_t bytes)
{
    add(file, name, 4);
    add_little(file, (uint32_t)bytes);
    add(file, data, bytes);
    add(file, "\0", bytes & 1);
}

static void a_webps_frames_and_length(void **state)
{
    (void)state;
    struct file file = {.bytes = 0};
    ADD(&file, "RIFF\0\0\0\0WEBP");
    add_riff(&file, "VP8X", "0123456789", 10);
    add_riff(&file, "ANMF", "odd", 3);
    add_riff(&file, "ANMF", "even", 4);
    add_riff(&file, "EXIF", "Exif\0\0II*", 9);
    file.data[4] = (unsigned char)(file.bytes - 8);
    struct outline outline = outline_of(IMAGE_WEBP, &file, file.bytes);
    assert_int_equal(outline.frames, 2);
    assert_true(outline.is_whole);
    assert_int_equal(outline.exif_bytes, 3);
    assert_memory_equal(outline.exif, "II*", 3);
    for (size_t cut = 0; cut < file.bytes; cut++) {
        assert_false(outline_of(IMAGE_WEBP, &file, cut).is_whole);
    }
    file.data[16] = 200; /* a chunk beyond the end */
    assert_false(outline_of(IMAGE_WEBP, &file, file.bytes).is_whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jpegs_scans_and_end),     cmocka_unit_test(a_jpeg_without_data_is_not_whole),
        cmocka_unit_test(a_pngs_frames_and_end),     cmocka_unit_test(a_pngs_checksums),
        cmocka_unit_test(a_webps_frames_and_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
