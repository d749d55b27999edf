// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/encode.h"
#include "worker/codec/vips_err.h"

#include <assert.h>
#include <setjmp.h>

#include <jpeglib.h>
#include <webp/encode.h>

enum { JPEG_MOST_PX = 65500 /* libjpeg's JPEG_MAX_DIMENSION */ };

/* An image in memory has its rows one after the other. */
static size_t stride_of(const VipsImage *image)
{
    return (size_t)image->Xsize * (size_t)image->Bands;
}

static unsigned char *pixels_of(VipsImage *image)
{
    assert(image->data != NULL);
    return image->data;
}

static int check_sides(const VipsImage *image, int most_px, struct err *err)
{
    if (image->Xsize > most_px || image->Ysize > most_px) {
        return err_set(err, ERR_TOO_LARGE, "%d x %d px, the format of a variant has at most %d a side",
                       image->Xsize, image->Ysize, most_px);
    }
    return 0;
}

/* libjpeg ends a failed call by error_exit, which may not return. */
struct jpeg_fault {
    struct jpeg_error_mgr manager;
    jmp_buf back;
    char text[JMSG_LENGTH_MAX];
};

static void on_jpeg_error(j_common_ptr codec)
{
    struct jpeg_fault *fault = (struct jpeg_fault *)codec->err;
    codec->err->format_message(codec, fault->text);
    longjmp(fault->back, 1);
}

static void on_jpeg_message(j_common_ptr codec)
{
    (void)codec;
}

static void set_up_jpeg(struct jpeg_compress_struct *jpeg, const VipsImage *image, int quality)
{
    jpeg->image_width = (JDIMENSION)image->Xsize;
    jpeg->image_height = (JDIMENSION)image->Ysize;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg->optimize_coding = TRUE;
    jpeg->comp_info[0].h_samp_factor = 2;
    jpeg->comp_info[0].v_samp_factor = 2;
    for (int i = 1; i < 3; i++) {
        jpeg->comp_info[i].h_samp_factor = 1;
        jpeg->comp_info[i].v_samp_factor = 1;
    }
}

static int write_jpeg(struct jpeg_compress_struct *jpeg, VipsImage *image)
{
    struct jpeg_fault *fault = (struct jpeg_fault *)jpeg->err;
    if (setjmp(fault->back) != 0) {
        return -1;
    }
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = pixels_of(image) + jpeg->next_scanline * stride_of(image);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return 0;
}

static int encode_jpeg(VipsImage *image, const struct profile_variant *variant, struct encode_bytes *out,
                       struct err *err)
{
    struct jpeg_compress_struct jpeg = {.err = NULL};
    struct jpeg_fault fault = {.text = ""};
    unsigned char *data = NULL;
    unsigned long bytes = 0;
    if (check_sides(image, JPEG_MOST_PX, err) != 0) {
        return -1;
    }
    assert(image->Bands == 3);
    jpeg.err = jpeg_std_error(&fault.manager);
    fault.manager.error_exit = on_jpeg_error;
    fault.manager.output_message = on_jpeg_message;
    if (setjmp(fault.back) != 0) {
        jpeg_destroy_compress(&jpeg);
        return err_set(err, ERR_OUT_OF_MEMORY, "can not start a JPEG: %.150s", fault.text);
    }
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &bytes);
    set_up_jpeg(&jpeg, image, variant->quality);
    int rc = write_jpeg(&jpeg, image);
    jpeg_destroy_compress(&jpeg);
    if (rc != 0) {
        free(data);
        return err_set(err, ERR_OUT_OF_MEMORY, "can not encode a JPEG: %.150s", fault.text);
    }
    *out = (struct encode_bytes){.data = data, .bytes = bytes, .release = free};
    return 0;
}

/* Gives the pixels to libwebp, which makes YUV (and alpha) of them. */
static int import_webp(WebPPicture *picture, VipsImage *image)
{
    const unsigned char *pixels = pixels_of(image);
    int stride = (int)stride_of(image);
    picture->width = image->Xsize;
    picture->height = image->Ysize;
    return image->Bands == 4 ? WebPPictureImportRGBA(picture, pixels, stride)
                             : WebPPictureImportRGB(picture, pixels, stride);
}

static int encode_webp(VipsImage *image, const struct profile_variant *variant, struct encode_bytes *out,
                       struct err *err)
{
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter writer;
    if (check_sides(image, WEBP_MAX_DIMENSION, err) != 0) {
        return -1;
    }
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) {
        return err_set(err, ERR_INTERNAL, "libwebp is of another version than its header");
    }
    config.quality = (float)variant->quality;
    config.method = variant->effort;
    WebPMemoryWriterInit(&writer);
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    int is_good = import_webp(&picture, image) && WebPEncode(&config, &picture);
    WebPEncodingError fault = picture.error_code;
    WebPPictureFree(&picture);
    if (!is_good) {
        bool is_memory =
            fault == VP8_ENC_ERROR_OUT_OF_MEMORY || fault == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY;
        WebPMemoryWriterClear(&writer);
        return err_set(err, is_memory ? ERR_OUT_OF_MEMORY : ERR_INTERNAL,
                       "can not encode a WebP: fault %d of libwebp", (int)fault);
    }
    *out = (struct encode_bytes){.data = writer.mem, .bytes = writer.size, .release = WebPFree};
    return 0;
}

static int encode_png(VipsImage *image, const struct profile_variant *variant, struct encode_bytes *out,
                      struct err *err)
{
    void *data = NULL;
    size_t bytes = 0;
    (void)variant;
    if (vips_pngsave_buffer(image, &data, &bytes, "strip", TRUE, NULL) != 0) {
        return vips_err_take(err, ERR_INTERNAL, "can not encode a PNG");
    }
    *out = (struct encode_bytes){.data = data, .bytes = bytes, .release = g_free};
    return 0;
}

int encode_image(VipsImage *image, const struct profile_variant *variant, struct encode_bytes *out,
                 struct err *err)
{
    static int (*const encoders[IMAGE_FORMAT_COUNT])(VipsImage *, const struct profile_variant *,
                                                     struct encode_bytes *, struct err *) = {
        [IMAGE_JPEG] = encode_jpeg, [IMAGE_PNG] = encode_png, [IMAGE_WEBP] = encode_webp};
    assert(encoders[variant->format] != NULL);
    return encoders[variant->format](image, variant, out, err);
}

void encode_bytes_release(struct encode_bytes *out)
{
    if (out->release != NULL) {
        out->release(out->data);
    }
    *out = (struct encode_bytes){.data = NULL};
}
