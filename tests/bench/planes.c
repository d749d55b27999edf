// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/planes.h"
#include "tests/bench/bench_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>
#include <webp/decode.h>
#include <webp/encode.h>

enum { MCU_PX = 16, BLOCK_PX = 8 };

static int round_up(int value, int to)
{
    return (value + to - 1) / to * to;
}

void planes_init(struct planes *planes, int width, int height)
{
    for (int i = 0; i < 3; i++) {
        int shift = i > 0;
        int stride = round_up(width, MCU_PX) >> shift;
        int rows = round_up(height, MCU_PX) >> shift;
        uint8_t *data = malloc((size_t)stride * (size_t)rows);
        if (data == NULL) {
            bench_fail("no memory for planes");
        }
        planes->plane[i] = (struct plane){(width + shift) >> shift, (height + shift) >> shift, stride, data};
    }
    planes->is_full_range = 1;
}

void planes_release(struct planes *planes)
{
    for (int i = 0; i < 3; i++) {
        free(planes->plane[i].data);
    }
}

/* The rows of one row of MCUs, as libjpeg wants to be shown them. */
static void point_at_rows(const struct planes *planes, int top, JSAMPROW rows[3][MCU_PX])
{
    for (int i = 0; i < 3; i++) {
        const struct plane *plane = &planes->plane[i];
        int count = i > 0 ? BLOCK_PX : MCU_PX;
        for (int y = 0; y < count; y++) {
            rows[i][y] = plane->data + (size_t)((i > 0 ? top / 2 : top) + y) * (size_t)plane->stride;
        }
    }
}

static void decode_jpeg(struct planes *planes, const unsigned char *data, size_t bytes)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    JSAMPROW rows[3][MCU_PX];
    JSAMPARRAY all[3] = {rows[0], rows[1], rows[2]};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, data, bytes);
    jpeg_read_header(&jpeg, TRUE);
    if (jpeg.num_components != 3 || jpeg.comp_info[0].h_samp_factor != 2 ||
        jpeg.comp_info[0].v_samp_factor != 2 || jpeg.comp_info[1].h_samp_factor != 1 ||
        jpeg.comp_info[1].v_samp_factor != 1) {
        bench_fail("the floor takes 4:2:0 only");
    }
    planes_init(planes, (int)jpeg.image_width, (int)jpeg.image_height);
    jpeg.raw_data_out = TRUE;
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < jpeg.output_height) {
        point_at_rows(planes, (int)jpeg.output_scanline, rows);
        jpeg_read_raw_data(&jpeg, all, MCU_PX);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
}

static void copy_plane(struct plane *to, const uint8_t *from, int stride)
{
    for (int y = 0; y < to->height; y++) {
        memcpy(to->data + (size_t)y * (size_t)to->stride, from + (size_t)y * (size_t)stride,
               (size_t)to->width);
    }
}

static void decode_png(struct planes *planes, const unsigned char *data, size_t bytes)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    WebPPicture picture;
    if (!png_image_begin_read_from_memory(&image, data, bytes)) {
        bench_fail("not a PNG");
    }
    image.format = PNG_FORMAT_RGB;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    if (pixels == NULL || !png_image_finish_read(&image, NULL, pixels, 0, NULL) ||
        !WebPPictureInit(&picture)) {
        bench_fail("can not decode the PNG");
    }
    picture.width = (int)image.width;
    picture.height = (int)image.height;
    if (!WebPPictureImportRGB(&picture, pixels, picture.width * 3)) {
        bench_fail("can not convert the PNG");
    }
    free(pixels);
    planes_init(planes, picture.width, picture.height);
    copy_plane(&planes->plane[0], picture.y, picture.y_stride);
    copy_plane(&planes->plane[1], picture.u, picture.uv_stride);
    copy_plane(&planes->plane[2], picture.v, picture.uv_stride);
    planes->is_full_range = 0;
    WebPPictureFree(&picture);
}

static void decode_webp(struct planes *planes, const unsigned char *data, size_t bytes)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config) || WebPGetFeatures(data, bytes, &config.input) != VP8_STATUS_OK) {
        bench_fail("not a WebP");
    }
    planes_init(planes, config.input.width, config.input.height);
    WebPYUVABuffer *out = &config.output.u.YUVA;
    config.output.colorspace = MODE_YUV;
    config.output.is_external_memory = 1;
    *out = (WebPYUVABuffer){.y = planes->plane[0].data,
                            .u = planes->plane[1].data,
                            .v = planes->plane[2].data,
                            .y_stride = planes->plane[0].stride,
                            .u_stride = planes->plane[1].stride,
                            .v_stride = planes->plane[2].stride};
    out->y_size = (size_t)out->y_stride * (size_t)planes->plane[0].height;
    out->u_size = out->v_size = (size_t)out->u_stride * (size_t)planes->plane[1].height;
    if (WebPDecode(data, bytes, &config) != VP8_STATUS_OK) {
        bench_fail("can not decode the WebP");
    }
    planes->is_full_range = 0;
}

void planes_decode(struct planes *planes, const unsigned char *data, size_t bytes)
{
    if (bytes > 2 && data[0] == 0xff && data[1] == 0xd8) {
        decode_jpeg(planes, data, bytes);
    } else if (bytes > 8 && memcmp(data, "\x89PNG", 4) == 0) {
        decode_png(planes, data, bytes);
    } else {
        decode_webp(planes, data, bytes);
    }
}

void planes_to_studio(struct planes *planes)
{
    if (!planes->is_full_range) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        uint8_t *data = planes->plane[i].data;
        uint16_t span = i > 0 ? 224 : 219;
        size_t count = (size_t)planes->plane[i].stride * (size_t)planes->plane[i].height;
        for (size_t at = 0; at < count; at++) {
            /* a division by 255, rounded, in 16 bits: the compiler makes vectors of it */
            uint16_t product = (uint16_t)(data[at] * span + 128);
            data[at] = (uint8_t)(16 + ((product + (product >> 8)) >> 8));
        }
    }
    planes->is_full_range = 0;
}

void planes_to_full(struct planes *planes)
{
    if (planes->is_full_range) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        struct plane *plane = &planes->plane[i];
        int span = i > 0 ? 224 : 219;
        int middle = i > 0 ? 128 : 16;
        uint8_t table[256];
        for (int value = 0; value < 256; value++) {
            int scaled = (value - middle) * 255 + (value >= middle ? span / 2 : -span / 2);
            int full = (i > 0 ? 128 : 0) + scaled / span;
            table[value] = (uint8_t)(full < 0 ? 0 : full > 255 ? 255 : full);
        }
        size_t count = (size_t)plane->stride * (size_t)plane->height;
        for (size_t at = 0; at < count; at++) {
            plane->data[at] = table[plane->data[at]];
        }
    }
    planes->is_full_range = 1;
}

/* Fills what lies beyond the picture with its last column and row, so that blocks at the edge compress well. */
static void fill_edges(const struct planes *planes)
{
    for (int i = 0; i < 3; i++) {
        const struct plane *plane = &planes->plane[i];
        int rows = i > 0 ? round_up(plane->height, BLOCK_PX) : round_up(plane->height, MCU_PX);
        size_t stride = (size_t)plane->stride;
        for (int y = 0; y < plane->height; y++) {
            uint8_t *row = plane->data + (size_t)y * stride;
            memset(row + plane->width, row[plane->width - 1], stride - (size_t)plane->width);
        }
        for (int y = plane->height; y < rows; y++) {
            memcpy(plane->data + (size_t)y * stride, plane->data + (size_t)(plane->height - 1) * stride,
                   stride);
        }
    }
}

void planes_to_jpeg(const struct planes *planes, int quality, unsigned char **data, size_t *bytes)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    JSAMPROW rows[3][MCU_PX];
    JSAMPARRAY all[3] = {rows[0], rows[1], rows[2]};
    unsigned long length = 0;
    fill_edges(planes);
    *data = NULL;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, data, &length);
    jpeg.image_width = (JDIMENSION)planes->plane[0].width;
    jpeg.image_height = (JDIMENSION)planes->plane[0].height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_YCbCr;
    jpeg_set_defaults(&jpeg); /* 4:2:0 */
    jpeg_set_quality(&jpeg, quality, TRUE);
    jpeg.optimize_coding = TRUE;
    jpeg.raw_data_in = TRUE;
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        point_at_rows(planes, (int)jpeg.next_scanline, rows);
        jpeg_write_raw_data(&jpeg, all, MCU_PX);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    *bytes = length;
}
