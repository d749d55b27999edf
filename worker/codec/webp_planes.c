// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/webp_planes.h"

#include <assert.h>

#include <webp/encode.h>

static int encode_fault(WebPEncodingError fault, struct err *err)
{
    bool is_memory = fault == VP8_ENC_ERROR_OUT_OF_MEMORY || fault == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY;
    return err_set(err, is_memory ? ERR_OUT_OF_MEMORY : ERR_INTERNAL,
                   "can not encode a WebP: fault %d of libwebp", (int)fault);
}

int webp_planes_write(const struct planes *planes, int quality, int effort, struct encode_bytes *out,
                      struct err *err)
{
    const struct plane *luma = &planes->plane[PLANES_Y];
    const struct plane *blue = &planes->plane[PLANES_CB];
    const struct plane *red = &planes->plane[PLANES_CR];
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter writer;
    assert(planes->range == PLANES_STUDIO);
    if (luma->width_px > WEBP_MAX_DIMENSION || luma->height_px > WEBP_MAX_DIMENSION) {
        return err_set(err, ERR_TOO_LARGE, "%d x %d px, a WebP has at most %d a side", luma->width_px,
                       luma->height_px, WEBP_MAX_DIMENSION);
    }
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) {
        return err_set(err, ERR_INTERNAL, "libwebp is of another version than its header");
    }
    config.quality = (float)quality;
    config.method = effort;
    picture.use_argb = 0;
    picture.colorspace = WEBP_YUV420;
    picture.width = luma->width_px;
    picture.height = luma->height_px;
    picture.y = luma->pixels;
    picture.u = blue->pixels;
    picture.v = red->pixels;
    picture.y_stride = (int)luma->stride;
    picture.uv_stride = (int)blue->stride;
    WebPMemoryWriterInit(&writer);
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    int is_good = WebPEncode(&config, &picture);
    WebPEncodingError fault = picture.error_code;
    /* frees what libwebp added, not the planes that it was lent */
    WebPPictureFree(&picture);
    if (!is_good) {
        WebPMemoryWriterClear(&writer);
        return encode_fault(fault, err);
    }
    *out = (struct encode_bytes){.data = writer.mem, .bytes = writer.size, .release = WebPFree};
    return 0;
}
