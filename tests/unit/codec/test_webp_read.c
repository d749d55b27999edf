// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/webp_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <webp/decode.h>
#include <webp/encode.h>
#include <webp/mux_types.h>

enum { WIDTH_PX = 61, HEIGHT_PX = 47, BANDS = 4 };

static void draw(unsigned char *rgba, unsigned char alpha)
{
    for (int i = 0; i < WIDTH_PX * HEIGHT_PX; i++) {
        int x = i % WIDTH_PX;
        int y = i / WIDTH_PX;
        unsigned char pixel[BANDS] = {(unsigned char)(x * 4), (unsigned char)(y * 5), (unsigned char)(x + y),
                                      alpha};
        memcpy(rgba + i * BANDS, pixel, BANDS);
    }
}

/* A WebP's bytes, for WebPFree. */
static size_t make(bool is_lossless, unsigned char alpha, uint8_t **data)
{
    unsigned char rgba[WIDTH_PX * HEIGHT_PX * BANDS];
    draw(rgba, alpha);
    size_t bytes = is_lossless ? WebPEncodeLosslessRGBA(rgba, WIDTH_PX, HEIGHT_PX, WIDTH_PX * BANDS, data)
                               : WebPEncodeRGBA(rgba, WIDTH_PX, HEIGHT_PX, WIDTH_PX * BANDS, 85, data);
    assert_true(bytes > 0);
    return bytes;
}

/* A file that grows by chunks (RFC 9649). */
struct riff {
    unsigned char data[8192];
    size_t bytes;
};

static void add_chunk(struct riff *riff, const char *name, const void *content, size_t bytes)
{
    const unsigned char length[4] = {(unsigned char)bytes, (unsigned char)(bytes >> 8), 0, 0};
    assert_true(riff->bytes + bytes + 9 < sizeof riff->data && bytes < 65536);
    memcpy(riff->data + riff->bytes, name, 4);
    memcpy(riff->data + riff->bytes + 4, length, 4);
    memcpy(riff->data + riff->bytes + 8, content, bytes);
    riff->bytes += 8 + bytes + (bytes & 1);
    riff->data[4] = (unsigned char)(riff->bytes - 8);
    riff->data[5] = (unsigned char)((riff->bytes - 8) >> 8);
}

/* An extended file with nothing but its VP8X. */
static void begin(struct riff *riff, unsigned char flags)
{
    const unsigned char header[10] = {flags, 0, 0, 0, WIDTH_PX - 1, 0, 0, HEIGHT_PX - 1, 0, 0};
    *riff = (struct riff){.data = "RIFF\0\0\0\0WEBP", .bytes = 12};
    add_chunk(riff, "VP8X", header, sizeof header);
}

/* The picture of a plain file, and a chunk before it. */
static void make_with(struct riff *riff, unsigned char flags, const char *name, const char *content)
{
    uint8_t *data = NULL;
    size_t bytes = make(false, 255, &data);
    begin(riff, flags);
    add_chunk(riff, name, content, strlen(content));
    add_chunk(riff, "VP8 ", data + 20, bytes - 20);
    WebPFree(data);
}

static void check_plane(const struct plane *plane, const uint8_t *wanted, int stride)
{
    for (int y = 0; y < plane->height_px; y++) {
        assert_memory_equal(plane_row(plane, y), wanted + y * stride, (size_t)plane->width_px);
    }
}

static void check_planes(const uint8_t *data, size_t bytes)
{
    struct webp_read *webp = webp_read_open(data, bytes);
    struct planes planes;
    int width_px = 0;
    int height_px = 0;
    int stride = 0;
    int chroma_stride = 0;
    uint8_t *blue = NULL;
    uint8_t *red = NULL;
    uint8_t *luma = WebPDecodeYUV(data, bytes, &width_px, &height_px, &blue, &red, &stride, &chroma_stride);
    assert_non_null(webp);
    assert_true(webp_read_width_px(webp) == WIDTH_PX && webp_read_height_px(webp) == HEIGHT_PX);
    assert_int_equal(webp_read_planes(webp, &planes, NULL), 0);
    assert_int_equal(planes.range, PLANES_STUDIO);
    assert_true(planes.plane[PLANES_Y].width_px == width_px && planes.plane[PLANES_Y].height_px == height_px);
    check_plane(&planes.plane[PLANES_Y], luma, stride);
    check_plane(&planes.plane[PLANES_CB], blue, chroma_stride);
    check_plane(&planes.plane[PLANES_CR], red, chroma_stride);
    WebPFree(luma);
    planes_release(&planes);
    webp_read_close(webp);
}

static void planes_are_those_of_the_file(void **state)
{
    (void)state;
    uint8_t *data = NULL;
    size_t bytes = make(false, 255, &data);
    check_planes(data, bytes);
    WebPFree(data);
    struct riff riff;
    make_with(&riff, EXIF_FLAG, "EXIF", "II*");
    check_planes(riff.data, riff.bytes);
}

static void the_profile_is_found(void **state)
{
    (void)state;
    uint8_t *data = NULL;
    size_t bytes = make(false, 255, &data);
    size_t icc_bytes = 0;
    struct webp_read *webp = webp_read_open(data, bytes);
    assert_null(webp_read_icc(webp, &icc_bytes));
    webp_read_close(webp);
    WebPFree(data);
    struct riff riff;
    make_with(&riff, ICCP_FLAG, "ICCP", "a profile");
    webp = webp_read_open(riff.data, riff.bytes);
    assert_non_null(webp);
    const unsigned char *icc = webp_read_icc(webp, &icc_bytes);
    assert_int_equal(icc_bytes, strlen("a profile"));
    assert_memory_equal(icc, "a profile", icc_bytes);
    webp_read_close(webp);
}

static void other_kinds_are_for_others(void **state)
{
    (void)state;
    static const struct {
        bool is_lossless;
        unsigned char alpha;
    } kinds[] = {{true, 255}, {true, 100}, {false, 100}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        uint8_t *data = NULL;
        size_t bytes = make(kinds[i].is_lossless, kinds[i].alpha, &data);
        assert_null(webp_read_open(data, bytes));
        WebPFree(data);
    }
    static const unsigned char nonsense[] = "RIFF\x20\0\0\0WEBPVP8 nonsense";
    assert_null(webp_read_open(nonsense, sizeof nonsense));
}

static void an_animation_is_for_others(void **state)
{
    (void)state;
    static const unsigned char loops[6] = {0};
    /* a frame of the whole canvas, as RFC 9649 2.7.1.1 has it, and its picture */
    unsigned char frame[8192] = {0, 0, 0, 0, 0, 0, WIDTH_PX - 1, 0, 0, HEIGHT_PX - 1, 0, 0, 10};
    uint8_t *data = NULL;
    size_t bytes = make(false, 255, &data);
    struct riff riff;
    assert_true(bytes < sizeof frame);
    memcpy(frame + 16, data + 12, bytes - 12);
    begin(&riff, ANIMATION_FLAG);
    add_chunk(&riff, "ANIM", loops, sizeof loops);
    add_chunk(&riff, "ANMF", frame, 16 + bytes - 12);
    assert_null(webp_read_open(riff.data, riff.bytes));
    WebPFree(data);
}

/* A file that is cut is not opened; one whose lengths were mended to hide it does not decode. */
static void what_is_cut_is_corrupt(void **state)
{
    (void)state;
    uint8_t *data = NULL;
    size_t bytes = make(false, 255, &data);
    for (size_t length = 0; length < bytes; length++) {
        unsigned char *cut = malloc(length + 1);
        assert_non_null(cut);
        memcpy(cut, data, length);
        assert_null(webp_read_open(cut, length));
        free(cut);
    }
    size_t half = bytes / 2 & ~(size_t)1;
    for (unsigned i = 0; i < 4; i++) {
        data[4 + i] = (uint8_t)((half - 8) >> (8 * i));
        data[16 + i] = (uint8_t)((half - 20) >> (8 * i));
    }
    struct webp_read *webp = webp_read_open(data, half);
    struct planes planes;
    struct err err = {.code = ERR_NONE};
    if (webp != NULL) {
        assert_int_equal(webp_read_planes(webp, &planes, &err), -1);
        assert_int_equal(err.code, ERR_CORRUPT_IMAGE);
    }
    webp_read_close(webp);
    WebPFree(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_are_those_of_the_file), cmocka_unit_test(the_profile_is_found),
        cmocka_unit_test(other_kinds_are_for_others),   cmocka_unit_test(an_animation_is_for_others),
        cmocka_unit_test(what_is_cut_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
