// SPDX-License-Identifier: Apache-2.0
/*
 * libpng's progressive reader is given the whole file: unlike the other one, it takes the compressed pixels to be complete only
 * when their stream has ended.
 */
#include "worker/codec/png_planes.h"
#include "common/base/alloc.h"
#include "worker/codec/planes_rgb.h"
#include "worker/codec/png_data.h"
#include "worker/codec/srgb_profile.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

enum { GREY = 1, RGB = 3, RGBA = 4, FAULT_BYTES = 100 };

struct png_planes {
    const unsigned char *data;
    size_t bytes;
    size_t done_bytes; /* that libpng has taken */
    const unsigned char *background;
    png_structp codec;
    png_infop info;
    unsigned char *rows[2]; /* RGB, with room for a pixel more */
    struct planes planes;   /* being read */
    int width_px;
    int height_px;
    int bands; /* of libpng's rows: GREY, RGB or RGBA; 0 where they are not for us */
    int rows_done;
    int warnings; /* since the pixels began */
    bool is_out_of_memory;
    bool is_ended;           /* libpng has seen the end marker */
    char fault[FAULT_BYTES]; /* what libpng said last */
};

_Noreturn static void on_error(png_structp codec, png_const_charp text)
{
    struct png_planes *png = png_get_error_ptr(codec);
    snprintf(png->fault, sizeof png->fault, "%s", text);
    png_longjmp(codec, 1);
}

static void on_warning(png_structp codec, png_const_charp text)
{
    struct png_planes *png = png_get_error_ptr(codec);
    (void)text;
    png->warnings++;
}

static png_voidp on_malloc(png_structp codec, png_alloc_size_t bytes)
{
    struct png_planes *png = png_get_mem_ptr(codec);
    void *made = malloc(bytes);
    png->is_out_of_memory |= made == NULL;
    return made;
}

static void on_free(png_structp codec, png_voidp made)
{
    (void)codec;
    free(made);
}

/* How many bands rows are to have; 0 where they are not for us. */
static int choose_bands(const struct png_planes *png)
{
    int type = png_get_color_type(png->codec, png->info);
    bool has_alpha =
        (type & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png->codec, png->info, PNG_INFO_tRNS) != 0;
    if (png_get_bit_depth(png->codec, png->info) > 8 ||
        png_get_interlace_type(png->codec, png->info) != PNG_INTERLACE_NONE ||
        (has_alpha && png->background == NULL)) {
        return 0;
    }
    return has_alpha ? RGBA : (type & PNG_COLOR_MASK_COLOR) != 0 ? RGB : GREY;
}

/* All that comes before the pixels was read. */
static void on_info(png_structp codec, png_infop info)
{
    struct png_planes *png = png_get_progressive_ptr(codec);
    png->width_px = (int)png_get_image_width(codec, info);
    png->height_px = (int)png_get_image_height(codec, info);
    int bands = choose_bands(png);
    png_set_expand(codec);
    if (bands == RGBA) {
        png_set_gray_to_rgb(codec);
    }
    png_read_update_info(codec, info);
    if (bands != 0 && png_get_channels(codec, info) == bands && png_get_bit_depth(codec, info) == 8) {
        png->bands = bands;
    }
    png->done_bytes = png->bytes - png_process_data_pause(codec, 0);
    png->warnings = 0;
}

/* round(a / 255) for every a up to 65,407 */
static unsigned by_255(unsigned a)
{
    return (a + 128 + ((a + 128) >> 8)) >> 8;
}

static void flatten(const unsigned char *restrict rgba, const unsigned char background[RGB],
                    unsigned char *restrict out, int count)
{
    for (int x = 0; x < count; x++, rgba += RGBA, out += RGB) {
        unsigned alpha = rgba[RGB];
        for (int band = 0; band < RGB; band++) {
            out[band] = (unsigned char)by_255(rgba[band] * alpha + background[band] * (255 - alpha));
        }
    }
}

static void put_colours(struct png_planes *png, const unsigned char *row, int y)
{
    unsigned char *rgb = png->rows[y % 2];
    if (png->bands == RGBA) {
        flatten(row, png->background, rgb, png->width_px);
    } else {
        memcpy(rgb, row, (size_t)png->width_px * RGB);
    }
    if (y % 2 == 1) {
        planes_put_rgb(&png->planes, y - 1, png->rows[0], rgb);
    } else if (y + 1 == png->height_px) {
        planes_put_rgb(&png->planes, y, rgb, rgb);
    }
}

static void on_row(png_structp codec, png_bytep row, png_uint_32 number, int pass)
{
    struct png_planes *png = png_get_progressive_ptr(codec);
    (void)pass;
    if (row == NULL || number != (png_uint_32)png->rows_done || png->rows_done == png->height_px) {
        return;
    }
    if (png->bands == GREY) {
        memcpy(plane_row(&png->planes.plane[PLANES_Y], png->rows_done), row, (size_t)png->width_px);
    } else {
        put_colours(png, row, png->rows_done);
    }
    png->rows_done++;
}

static void on_end(png_structp codec, png_infop info)
{
    struct png_planes *png = png_get_progressive_ptr(codec);
    (void)info;
    png->is_ended = true;
}

static void set_up(struct png_planes *png)
{
    /* what tells nothing of the picture is not even inflated */
    static const png_byte idle[] =
        "tEXt\0zTXt\0iTXt\0sPLT\0hIST\0pCAL\0sCAL\0tIME\0bKGD\0pHYs\0oFFs\0sBIT\0eXIf";
    png_set_keep_unknown_chunks(png->codec, PNG_HANDLE_CHUNK_NEVER, idle, (int)(sizeof idle / 5));
    /* outline.h has found the checksums right that matter; without those of critical chunks libpng gets the others wrong */
    png_set_crc_action(png->codec, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_set_progressive_read_fn(png->codec, png, on_info, on_row, on_end);
}

/* Gives libpng what it did not take yet. All calls that may jump, with nothing of their own to free. */
static bool feed(struct png_planes *png)
{
    unsigned char *rest;
    const unsigned char *from = png->data + png->done_bytes;
    /* libpng only reads them */
    memcpy(&rest, &from, sizeof rest);
    if (setjmp(png_jmpbuf(png->codec)) != 0) {
        return false;
    }
    if (png->done_bytes == 0) {
        set_up(png);
    }
    png_process_data(png->codec, png->info, rest, png->bytes - png->done_bytes);
    return true;
}

struct png_planes *png_planes_open(const unsigned char *data, size_t bytes, const unsigned char *background)
{
    struct png_planes *png = alloc_zeroed(1, sizeof *png);
    png->data = data;
    png->bytes = bytes;
    png->background = background;
    png->codec =
        png_create_read_struct_2(PNG_LIBPNG_VER_STRING, png, on_error, on_warning, png, on_malloc, on_free);
    png->info = png->codec != NULL ? png_create_info_struct(png->codec) : NULL;
    if (png->info == NULL || !feed(png) || png->bands == 0) {
        png_planes_close(png);
        return NULL;
    }
    return png;
}

int png_planes_width_px(const struct png_planes *png)
{
    return png->width_px;
}

int png_planes_height_px(const struct png_planes *png)
{
    return png->height_px;
}

bool png_planes_is_srgb(const struct png_planes *png)
{
    png_charp name = NULL;
    int method = 0;
    png_bytep icc = NULL;
    png_uint_32 bytes = 0;
    if (png_get_iCCP(png->codec, png->info, &name, &method, &icc, &bytes) == 0) {
        return true;
    }
    bool has_colours = (png_get_color_type(png->codec, png->info) & PNG_COLOR_MASK_COLOR) != 0;
    return has_colours && srgb_profile_matches(icc, bytes);
}

static int init_planes(struct png_planes *png, struct err *err)
{
    if (planes_init(&png->planes, png->width_px, png->height_px, err) != 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        png->rows[i] = malloc(((size_t)png->width_px + 1) * RGB);
        if (png->rows[i] == NULL) {
            return err_set(err, ERR_OUT_OF_MEMORY, "no memory for a row of %d px", png->width_px);
        }
    }
    for (int i = 1; i < PLANES_COUNT && png->bands == GREY; i++) {
        const struct plane *plane = &png->planes.plane[i];
        memset(plane->pixels, 128, plane->stride * (size_t)plane->height_px);
    }
    return 0;
}

int png_planes_read(struct png_planes *png, struct planes *planes, struct err *err)
{
    if (init_planes(png, err) != 0) {
        return -1;
    }
    if (!feed(png)) {
        return err_set(err, png->is_out_of_memory ? ERR_OUT_OF_MEMORY : ERR_CORRUPT_IMAGE,
                       "can not decode the image: %s", png->fault);
    }
    if (png->rows_done < png->height_px) {
        return err_set(err, ERR_CORRUPT_IMAGE, "the data ends before the image does");
    }
    /* a wrong checksum is a warning to libpng, but so is what may come after the pixels; what is cut off may be their end */
    if ((png->warnings > 0 || !png->is_ended) && !png_data_is_sound(png->data, png->bytes)) {
        return err_set(err, ERR_CORRUPT_IMAGE, "the compressed pixels are damaged");
    }
    planes_move(&png->planes, planes);
    return 0;
}

void png_planes_close(struct png_planes *png)
{
    if (png == NULL) {
        return;
    }
    png_destroy_read_struct(&png->codec, &png->info, NULL);
    planes_release(&png->planes);
    free(png->rows[0]);
    free(png->rows[1]);
    free(png);
}
