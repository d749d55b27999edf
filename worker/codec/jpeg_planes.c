// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/jpeg_planes.h"
#include "common/base/alloc.h"
#include "worker/codec/jpeg_fault.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_SAMPLING = 2,
    MOST_ROWS = MOST_SAMPLING * DCTSIZE,
    MARKER_ICC = JPEG_APP0 + 2,
    ICC_HEADER_BYTES = 14,
    /* with more than this at hand libjpeg-turbo decodes Huffman codes in a hurry, and passes over bad ones without a warning */
    PIECE_BYTES = 256,
    MOST_WARNINGS =
        99 /* what has more of them is more made up than decoded; libvips draws the line there too */
};

struct jpeg_planes {
    struct jpeg_fault fault;
    struct jpeg_decompress_struct codec;
    struct jpeg_source_mgr source;
    const unsigned char *left; /* the data that libjpeg was not given yet */
    size_t left_bytes;
    struct jpeg_progress_mgr progress;
    struct jpeg_planes_rules rules;
    struct planes planes;              /* being read */
    struct plane strips[PLANES_COUNT]; /* one row of blocks of each component that is finer than its plane */
    JSAMPROW rows[PLANES_COUNT][MOST_ROWS];
};

static void on_source(j_decompress_ptr codec)
{
    (void)codec;
}

/* Gives the next piece. All bytes were there from the beginning: whoever wants more found a file that is cut off. */
static boolean on_source_empty(j_decompress_ptr codec)
{
    struct jpeg_planes *jpeg = codec->client_data;
    size_t bytes = jpeg->left_bytes < PIECE_BYTES ? jpeg->left_bytes : PIECE_BYTES;
    if (bytes == 0) {
        jpeg_fault_raise((j_common_ptr)codec, ERR_CORRUPT_IMAGE, "the data ends before the image does");
    }
    jpeg->source.next_input_byte = jpeg->left;
    jpeg->source.bytes_in_buffer = bytes;
    jpeg->left += bytes;
    jpeg->left_bytes -= bytes;
    return TRUE;
}

static void on_skip(j_decompress_ptr codec, long count)
{
    struct jpeg_source_mgr *source = codec->src;
    size_t bytes = count > 0 ? (size_t)count : 0;
    while (bytes > source->bytes_in_buffer) {
        bytes -= source->bytes_in_buffer;
        on_source_empty(codec);
    }
    source->next_input_byte += bytes;
    source->bytes_in_buffer -= bytes;
}

static long most_warnings(const struct jpeg_planes *jpeg)
{
    return jpeg->rules.fails_on_warning ? 0 : MOST_WARNINGS;
}

/* Called by libjpeg between rows of blocks of each scan. */
static void on_progress(j_common_ptr common)
{
    struct jpeg_decompress_struct *codec = (struct jpeg_decompress_struct *)common;
    struct jpeg_planes *jpeg = codec->client_data;
    if (codec->input_scan_number > jpeg->rules.max_scans) {
        jpeg_fault_raise(common, ERR_TOO_LARGE, "more scans than are taken");
    }
    if (codec->err->num_warnings > most_warnings(jpeg)) {
        jpeg_fault_raise(common, ERR_CORRUPT_IMAGE, "the decoder warns of too much");
    }
}

/* How many pixels a sample of a component covers on a side: is_readable lets no others pass. */
static int reach(int most, int factor)
{
    return factor == most ? 1 : 2;
}

static bool is_reach_taken(int most, int factor)
{
    return factor == most || 2 * factor == most;
}

static int across(const struct jpeg_decompress_struct *codec, int i)
{
    return reach(codec->max_h_samp_factor, codec->comp_info[i].h_samp_factor);
}

static int down(const struct jpeg_decompress_struct *codec, int i)
{
    return reach(codec->max_v_samp_factor, codec->comp_info[i].v_samp_factor);
}

static bool is_readable(const struct jpeg_decompress_struct *codec)
{
    bool is_grey = codec->jpeg_color_space == JCS_GRAYSCALE && codec->num_components == 1;
    bool is_ycc = codec->jpeg_color_space == JCS_YCbCr && codec->num_components == PLANES_COUNT;
    if ((!is_grey && !is_ycc) || codec->data_precision != 8 || codec->max_h_samp_factor > MOST_SAMPLING ||
        codec->max_v_samp_factor > MOST_SAMPLING || across(codec, PLANES_Y) != 1 ||
        down(codec, PLANES_Y) != 1) {
        return false;
    }
    for (int i = 1; i < codec->num_components; i++) {
        if (!is_reach_taken(codec->max_h_samp_factor, codec->comp_info[i].h_samp_factor) ||
            !is_reach_taken(codec->max_v_samp_factor, codec->comp_info[i].v_samp_factor)) {
            return false;
        }
    }
    return true;
}

static bool read_header(struct jpeg_planes *jpeg)
{
    struct jpeg_decompress_struct *codec = &jpeg->codec;
    if (setjmp(jpeg->fault.back) != 0) {
        return false;
    }
    jpeg_create_decompress(codec);
    codec->client_data = jpeg;
    codec->src = &jpeg->source;
    jpeg_save_markers(codec, MARKER_ICC, 0xffff);
    jpeg_read_header(codec, TRUE);
    codec->progress = &jpeg->progress;
    codec->raw_data_out = TRUE;
    return is_readable(codec);
}

struct jpeg_planes *jpeg_planes_open(const unsigned char *data, size_t bytes,
                                     const struct jpeg_planes_rules *rules)
{
    struct jpeg_planes *jpeg = alloc_zeroed(1, sizeof *jpeg);
    jpeg->rules = *rules;
    jpeg->progress.progress_monitor = on_progress;
    jpeg->left = data;
    jpeg->left_bytes = bytes;
    jpeg->source = (struct jpeg_source_mgr){.init_source = on_source,
                                            .fill_input_buffer = on_source_empty,
                                            .skip_input_data = on_skip,
                                            .resync_to_restart = jpeg_resync_to_restart,
                                            .term_source = on_source};
    jpeg->codec.err = jpeg_fault_init(&jpeg->fault);
    if (!read_header(jpeg)) {
        jpeg_planes_close(jpeg);
        return NULL;
    }
    return jpeg;
}

int jpeg_planes_width_px(const struct jpeg_planes *jpeg)
{
    return (int)jpeg->codec.image_width;
}

int jpeg_planes_height_px(const struct jpeg_planes *jpeg)
{
    return (int)jpeg->codec.image_height;
}

static bool has_icc_segment(const struct jpeg_decompress_struct *codec)
{
    for (jpeg_saved_marker_ptr marker = codec->marker_list; marker != NULL; marker = marker->next) {
        if (marker->marker == MARKER_ICC && marker->data_length >= ICC_HEADER_BYTES &&
            memcmp(marker->data, "ICC_PROFILE", sizeof "ICC_PROFILE") == 0) {
            return true;
        }
    }
    return false;
}

enum jpeg_planes_icc jpeg_planes_icc(struct jpeg_planes *jpeg, unsigned char **icc, size_t *bytes)
{
    unsigned int read_bytes = 0;
    if (!has_icc_segment(&jpeg->codec)) {
        return JPEG_PLANES_ICC_NONE;
    }
    if (setjmp(jpeg->fault.back) != 0 || !jpeg_read_icc_profile(&jpeg->codec, icc, &read_bytes)) {
        return JPEG_PLANES_ICC_BROKEN;
    }
    *bytes = read_bytes;
    return JPEG_PLANES_ICC_WHOLE;
}

static bool is_finer(const struct jpeg_decompress_struct *codec, int i)
{
    return i != PLANES_Y && (across(codec, i) == 1 || down(codec, i) == 1);
}

static int init_planes(struct jpeg_planes *jpeg, struct err *err)
{
    const struct jpeg_decompress_struct *codec = &jpeg->codec;
    if (planes_init(&jpeg->planes, (int)codec->image_width, (int)codec->image_height, err) != 0) {
        return -1;
    }
    for (int i = 0; i < codec->num_components; i++) {
        int width_px = (int)codec->image_width / across(codec, i) + 1;
        if (is_finer(codec, i) && plane_init(&jpeg->strips[i], width_px, MOST_ROWS, err) != 0) {
            return -1;
        }
    }
    for (int i = codec->num_components; i < PLANES_COUNT; i++) {
        const struct plane *plane = &jpeg->planes.plane[i];
        memset(plane->pixels, 128, plane->stride * (size_t)plane->height_px);
    }
    return 0;
}

/* Points libjpeg to where the rows of one row of blocks belong. */
static void aim(struct jpeg_planes *jpeg, int block_row)
{
    for (int i = 0; i < jpeg->codec.num_components; i++) {
        bool is_strip = jpeg->strips[i].pixels != NULL;
        const struct plane *plane = is_strip ? &jpeg->strips[i] : &jpeg->planes.plane[i];
        int count = jpeg->codec.comp_info[i].v_samp_factor * DCTSIZE;
        for (int row = 0; row < count; row++) {
            jpeg->rows[i][row] = plane_row(plane, (is_strip ? 0 : block_row * count) + row);
        }
    }
}

/* Averages two rows (or one with itself), and pairs of columns where `step` is 2. The last column of an odd count pairs with itself. */
static void average(unsigned char *above, unsigned char *below, int columns, int step, unsigned char *out,
                    int count)
{
    if (step == 1) {
        for (int x = 0; x < count; x++) {
            out[x] = (unsigned char)((above[x] + below[x] + 1) >> 1);
        }
        return;
    }
    above[columns] = above[columns - 1];
    below[columns] = below[columns - 1];
    for (int x = 0; x < count; x++) {
        size_t left = 2 * (size_t)x;
        out[x] = (unsigned char)((above[left] + above[left + 1] + below[left] + below[left + 1] + 2) >> 2);
    }
}

/* Brings the strip of a finer component into its plane. */
static void reduce_strip(struct jpeg_planes *jpeg, int i, int block_row)
{
    const struct jpeg_decompress_struct *codec = &jpeg->codec;
    const struct plane *plane = &jpeg->planes.plane[i];
    int columns = (int)codec->comp_info[i].downsampled_width;
    int rows = (int)codec->comp_info[i].downsampled_height;
    int strip_rows = codec->comp_info[i].v_samp_factor * DCTSIZE;
    int row_step = 2 / down(codec, i);
    int first = block_row * strip_rows;
    for (int row = 0; row < strip_rows && first + row < rows; row += row_step) {
        bool has_next = row_step == 2 && first + row + 1 < rows;
        average(jpeg->rows[i][row], jpeg->rows[i][has_next ? row + 1 : row], columns, 2 / across(codec, i),
                plane_row(plane, (first + row) / row_step), plane->width_px);
    }
}

/* All calls that may jump, with nothing of their own to free. */
static bool read_rows(struct jpeg_planes *jpeg)
{
    struct jpeg_decompress_struct *codec = &jpeg->codec;
    JSAMPARRAY images[PLANES_COUNT] = {jpeg->rows[0], jpeg->rows[1], jpeg->rows[2]};
    if (setjmp(jpeg->fault.back) != 0) {
        return false;
    }
    jpeg_start_decompress(codec);
    JDIMENSION lines = (JDIMENSION)(codec->max_v_samp_factor * DCTSIZE);
    for (int block_row = 0; codec->output_scanline < codec->output_height; block_row++) {
        aim(jpeg, block_row);
        jpeg_read_raw_data(codec, images, lines);
        for (int i = 0; i < codec->num_components; i++) {
            if (jpeg->strips[i].pixels != NULL) {
                reduce_strip(jpeg, i, block_row);
            }
        }
    }
    return true;
}

int jpeg_planes_read(struct jpeg_planes *jpeg, struct planes *planes, struct err *err)
{
    if (init_planes(jpeg, err) != 0) {
        return -1;
    }
    if (!read_rows(jpeg)) {
        return jpeg_fault_err(&jpeg->fault, ERR_CORRUPT_IMAGE, "can not decode the image", err);
    }
    if (jpeg->fault.manager.num_warnings > most_warnings(jpeg)) {
        return err_set(err, ERR_CORRUPT_IMAGE, "the decoder warned %ld times",
                       jpeg->fault.manager.num_warnings);
    }
    planes_move(&jpeg->planes, planes);
    return 0;
}

void jpeg_planes_close(struct jpeg_planes *jpeg)
{
    if (jpeg == NULL) {
        return;
    }
    jpeg_destroy_decompress(&jpeg->codec);
    planes_release(&jpeg->planes);
    for (int i = 0; i < PLANES_COUNT; i++) {
        plane_release(&jpeg->strips[i]);
    }
    free(jpeg);
}
