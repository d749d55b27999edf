// SPDX-License-Identifier: Apache-2.0
/*
 * JPEGs that the codec's tests make for themselves: one soft picture in every manner of writing it.
 */
#ifndef PIXMILL_TESTS_CODEC_JPEG_SAMPLE_H
#define PIXMILL_TESTS_CODEC_JPEG_SAMPLE_H

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

struct jpeg_sample {
    int width_px;
    int height_px;
    J_COLOR_SPACE space; /* as stored: YCbCr, grey or RGB */
    int across;          /* sampling of the first component; the others have 1 */
    int down;
    bool is_progressive;
    bool is_arithmetic;
    int orientation; /* 1..8: an EXIF segment; 0: none */
    const unsigned char *icc;
    unsigned icc_bytes;
};

/* A channel's value: waves of several lengths, so that every corner and edge is different. */
static inline unsigned char jpeg_sample_value(int x, int y, int channel)
{
    double wave =
        sin(x * 0.031 + channel) * 50 + cos(y * 0.023 * (channel + 1)) * 45 + sin((x + y) * 0.011) * 30;
    return (unsigned char)(128 + wave);
}

static inline void jpeg_sample_write_exif(struct jpeg_compress_struct *codec, int orientation)
{
    const unsigned char exif[] = {
        'E', 'x', 'i', 'f', 0,    0, 'M', 'M', 0, '*', 0, 0, 0,
        8,   0,   1,   1,   0x12, 0, 3,   0,   0, 0,   1, 0, (unsigned char)orientation,
        0,   0,   0,   0,   0,    0};
    jpeg_write_marker(codec, JPEG_APP0 + 1, exif, sizeof exif);
}

/* Makes one; the caller frees *data. */
static inline size_t jpeg_sample_make(const struct jpeg_sample *sample, unsigned char **data)
{
    struct jpeg_compress_struct codec;
    struct jpeg_error_mgr manager;
    unsigned long bytes = 0;
    *data = NULL;
    codec.err = jpeg_std_error(&manager);
    jpeg_create_compress(&codec);
    jpeg_mem_dest(&codec, data, &bytes);
    codec.image_width = (JDIMENSION)sample->width_px;
    codec.image_height = (JDIMENSION)sample->height_px;
    codec.input_components = 3;
    codec.in_color_space = JCS_RGB;
    jpeg_set_defaults(&codec);
    jpeg_set_colorspace(&codec, sample->space);
    jpeg_set_quality(&codec, 95, TRUE);
    codec.comp_info[0].h_samp_factor = sample->across;
    codec.comp_info[0].v_samp_factor = sample->down;
    codec.arith_code = sample->is_arithmetic;
    if (sample->is_progressive) {
        jpeg_simple_progression(&codec);
    }
    jpeg_start_compress(&codec, TRUE);
    if (sample->orientation != 0) {
        jpeg_sample_write_exif(&codec, sample->orientation);
    }
    if (sample->icc != NULL) {
        jpeg_write_icc_profile(&codec, sample->icc, sample->icc_bytes);
    }
    unsigned char *row = malloc((size_t)sample->width_px * 3);
    assert(row != NULL);
    while (codec.next_scanline < codec.image_height) {
        for (int i = 0; i < sample->width_px * 3; i++) {
            row[i] = jpeg_sample_value(i / 3, (int)codec.next_scanline, i % 3);
        }
        jpeg_write_scanlines(&codec, &row, 1);
    }
    free(row);
    jpeg_finish_compress(&codec);
    jpeg_destroy_compress(&codec);
    return bytes;
}

/* Decodes with no interpolation of chroma to 3 bytes a pixel of YCbCr; the caller frees them. */
static inline unsigned char *jpeg_sample_decode(const unsigned char *data, size_t bytes)
{
    struct jpeg_decompress_struct codec;
    struct jpeg_error_mgr manager;
    codec.err = jpeg_std_error(&manager);
    jpeg_create_decompress(&codec);
    jpeg_mem_src(&codec, data, bytes);
    jpeg_read_header(&codec, TRUE);
    codec.do_fancy_upsampling = FALSE;
    codec.out_color_space = codec.num_components == 1 ? JCS_GRAYSCALE : JCS_YCbCr;
    jpeg_start_decompress(&codec);
    size_t stride = (size_t)codec.output_width * 3;
    unsigned char *pixels = calloc(codec.output_height, stride);
    assert(pixels != NULL);
    while (codec.output_scanline < codec.output_height) {
        unsigned char *row = pixels + codec.output_scanline * stride;
        jpeg_read_scanlines(&codec, &row, 1);
        for (size_t x = codec.num_components == 1 ? codec.output_width : 0; x-- > 0;) {
            row[x * 3] = row[x];
            row[x * 3 + 1] = row[x * 3 + 2] = 128;
        }
    }
    jpeg_destroy_decompress(&codec);
    return pixels;
}

#endif
