// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/webp_read.h"
#include "common/base/alloc.h"

#include <stdint.h>
#include <stdlib.h>

#include <webp/decode.h>
#include <webp/demux.h>

enum { FORMAT_LOSSY = 1 /* of WebPBitstreamFeatures */ };

/* What points to bytes points into the file. */
struct webp_read {
    const uint8_t *picture; /* the chunk of the still picture */
    size_t picture_bytes;
    int width_px;
    int height_px;
    const uint8_t *icc;
    size_t icc_bytes;
};

/* The demultiplexer has found the picture's sides to be the canvas'. */
static bool is_readable(const WebPIterator *frame, uint32_t flags)
{
    WebPBitstreamFeatures features;
    return (flags & (ANIMATION_FLAG | ALPHA_FLAG)) == 0 && frame->num_frames == 1 && frame->complete &&
           WebPGetFeatures(frame->fragment.bytes, frame->fragment.size, &features) == VP8_STATUS_OK &&
           features.format == FORMAT_LOSSY && !features.has_alpha && features.width == frame->width &&
           features.height == frame->height;
}

static bool look(struct webp_read *webp, const WebPDemuxer *demuxer)
{
    uint32_t flags = WebPDemuxGetI(demuxer, WEBP_FF_FORMAT_FLAGS);
    WebPIterator frame;
    WebPChunkIterator chunk;
    if (!WebPDemuxGetFrame(demuxer, 1, &frame)) {
        return false;
    }
    bool may_read = is_readable(&frame, flags);
    webp->picture = frame.fragment.bytes;
    webp->picture_bytes = frame.fragment.size;
    webp->width_px = frame.width;
    webp->height_px = frame.height;
    WebPDemuxReleaseIterator(&frame);
    if ((flags & ICCP_FLAG) != 0 && WebPDemuxGetChunk(demuxer, "ICCP", 1, &chunk)) {
        webp->icc = chunk.chunk.bytes;
        webp->icc_bytes = chunk.chunk.size;
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    return may_read;
}

struct webp_read *webp_read_open(const unsigned char *data, size_t bytes)
{
    const WebPData file = {.bytes = data, .size = bytes};
    WebPDemuxer *demuxer = WebPDemux(&file);
    if (demuxer == NULL) {
        return NULL;
    }
    struct webp_read *webp = alloc_zeroed(1, sizeof *webp);
    bool may_read = look(webp, demuxer);
    WebPDemuxDelete(demuxer);
    if (!may_read) {
        webp_read_close(webp);
        return NULL;
    }
    return webp;
}

int webp_read_width_px(const struct webp_read *webp)
{
    return webp->width_px;
}

int webp_read_height_px(const struct webp_read *webp)
{
    return webp->height_px;
}

const unsigned char *webp_read_icc(const struct webp_read *webp, size_t *bytes)
{
    *bytes = webp->icc_bytes;
    return webp->icc;
}

/* Lets libwebp write into planes of ours. */
static void aim(WebPDecBuffer *output, const struct planes *planes)
{
    const struct plane *luma = &planes->plane[PLANES_Y];
    const struct plane *blue = &planes->plane[PLANES_CB];
    const struct plane *red = &planes->plane[PLANES_CR];
    output->colorspace = MODE_YUV;
    output->is_external_memory = 1;
    output->u.YUVA = (WebPYUVABuffer){.y = luma->pixels,
                                      .u = blue->pixels,
                                      .v = red->pixels,
                                      .y_stride = (int)luma->stride,
                                      .u_stride = (int)blue->stride,
                                      .v_stride = (int)red->stride,
                                      .y_size = luma->stride * (size_t)luma->height_px,
                                      .u_size = blue->stride * (size_t)blue->height_px,
                                      .v_size = red->stride * (size_t)red->height_px};
}

int webp_read_planes(const struct webp_read *webp, struct planes *planes, struct err *err)
{
    WebPDecoderConfig config;
    struct planes made;
    if (!WebPInitDecoderConfig(&config)) {
        return err_set(err, ERR_INTERNAL, "libwebp is of another version than its header");
    }
    if (planes_init(&made, webp->width_px, webp->height_px, err) != 0) {
        return -1;
    }
    made.range = PLANES_STUDIO;
    aim(&config.output, &made);
    VP8StatusCode status = WebPDecode(webp->picture, webp->picture_bytes, &config);
    if (status != VP8_STATUS_OK) {
        planes_release(&made);
        return err_set(err, status == VP8_STATUS_OUT_OF_MEMORY ? ERR_OUT_OF_MEMORY : ERR_CORRUPT_IMAGE,
                       "can not decode the image: fault %d of libwebp", (int)status);
    }
    planes_move(&made, planes);
    return 0;
}

void webp_read_close(struct webp_read *webp)
{
    free(webp);
}
