// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/jpeg_write.h"
#include "worker/codec/jpeg_fault.h"

#include <assert.h>
#include <stdlib.h>

enum { MOST_SIDE_PX = 65500 /* libjpeg's JPEG_MAX_DIMENSION */, LUMA_ROWS = 2 * DCTSIZE };

struct jpeg_write {
    struct jpeg_fault fault;
    struct jpeg_compress_struct codec;
    unsigned char *data;
    unsigned long bytes;
};

static void set_up(struct jpeg_compress_struct *codec, const struct planes *planes, int quality)
{
    codec->image_width = (JDIMENSION)planes->plane[PLANES_Y].width_px;
    codec->image_height = (JDIMENSION)planes->plane[PLANES_Y].height_px;
    codec->input_components = PLANES_COUNT;
    codec->in_color_space = JCS_YCbCr;
    /* sets 4:2:0 as well */
    jpeg_set_defaults(codec);
    jpeg_set_quality(codec, quality, TRUE);
    codec->optimize_coding = TRUE;
    codec->raw_data_in = TRUE;
}

/* Points to one row of blocks of a plane; below the last row it is repeated. */
static void aim(const struct plane *plane, int first, JSAMPROW *rows, int count)
{
    for (int i = 0; i < count; i++) {
        int y = first + i;
        rows[i] = plane_row(plane, y < plane->height_px ? y : plane->height_px - 1);
    }
}

/* All calls that may jump. */
static bool write_all(struct jpeg_write *jpeg, const struct planes *planes, int quality)
{
    struct jpeg_compress_struct *codec = &jpeg->codec;
    JSAMPROW rows[PLANES_COUNT][LUMA_ROWS];
    JSAMPARRAY images[PLANES_COUNT] = {rows[0], rows[1], rows[2]};
    if (setjmp(jpeg->fault.back) != 0) {
        return false;
    }
    jpeg_create_compress(codec);
    jpeg_mem_dest(codec, &jpeg->data, &jpeg->bytes);
    set_up(codec, planes, quality);
    jpeg_start_compress(codec, TRUE);
    while (codec->next_scanline < codec->image_height) {
        int y = (int)codec->next_scanline;
        aim(&planes->plane[PLANES_Y], y, rows[PLANES_Y], LUMA_ROWS);
        aim(&planes->plane[PLANES_CB], y / 2, rows[PLANES_CB], DCTSIZE);
        aim(&planes->plane[PLANES_CR], y / 2, rows[PLANES_CR], DCTSIZE);
        jpeg_write_raw_data(codec, images, LUMA_ROWS);
    }
    jpeg_finish_compress(codec);
    return true;
}

int jpeg_write(struct planes *planes, int quality, struct encode_bytes *out, struct err *err)
{
    struct jpeg_write jpeg = {.data = NULL};
    const struct plane *luma = &planes->plane[PLANES_Y];
    assert(planes->range == PLANES_FULL);
    if (luma->width_px > MOST_SIDE_PX || luma->height_px > MOST_SIDE_PX) {
        return err_set(err, ERR_TOO_LARGE, "%d x %d px, a JPEG has at most %d a side", luma->width_px,
                       luma->height_px, MOST_SIDE_PX);
    }
    planes_pad(planes);
    jpeg.codec.err = jpeg_fault_init(&jpeg.fault);
    bool is_good = write_all(&jpeg, planes, quality);
    jpeg_destroy_compress(&jpeg.codec);
    if (!is_good) {
        free(jpeg.data);
        return jpeg_fault_err(&jpeg.fault, ERR_INTERNAL, "can not encode a JPEG", err);
    }
    *out = (struct encode_bytes){.data = jpeg.data, .bytes = jpeg.bytes, .release = free};
    return 0;
}
