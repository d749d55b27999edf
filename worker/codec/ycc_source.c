// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/ycc_source.h"
#include "common/base/alloc.h"
#include "worker/codec/jpeg_planes.h"
#include "worker/codec/png_planes.h"
#include "worker/codec/srgb_profile.h"
#include "worker/codec/webp_read.h"

#include <stdlib.h>

struct verbs {
    /* NULL where the file is not for planes */
    void *(*open)(const struct wire_job *job, const struct image_head *head, const unsigned char *data,
                  size_t bytes);
    int (*read)(void *reader, struct planes *planes, struct err *err);
    void (*close)(void *reader);
};

struct ycc_source {
    const struct verbs *verbs;
    void *reader; /* owned */
};

/* A broken profile is for the other path too, which tells the log. */
static bool is_jpeg_srgb(struct jpeg_planes *jpeg)
{
    unsigned char *icc = NULL;
    size_t bytes = 0;
    enum jpeg_planes_icc found = jpeg_planes_icc(jpeg, &icc, &bytes);
    bool is_srgb =
        found == JPEG_PLANES_ICC_NONE || (found == JPEG_PLANES_ICC_WHOLE && srgb_profile_matches(icc, bytes));
    free(icc);
    return is_srgb;
}

static void *open_jpeg(const struct wire_job *job, const struct image_head *head, const unsigned char *data,
                       size_t bytes)
{
    struct jpeg_planes_rules rules = {.max_scans = job->limits.max_scans,
                                      .fails_on_warning = job->fail_on == WIRE_FAIL_ON_WARNING};
    struct jpeg_planes *jpeg = jpeg_planes_open(data, bytes, &rules);
    if (jpeg == NULL || jpeg_planes_width_px(jpeg) != head->width_px ||
        jpeg_planes_height_px(jpeg) != head->height_px || !is_jpeg_srgb(jpeg)) {
        jpeg_planes_close(jpeg);
        return NULL;
    }
    return jpeg;
}

static int read_jpeg(void *reader, struct planes *planes, struct err *err)
{
    return jpeg_planes_read(reader, planes, err);
}

static void close_jpeg(void *reader)
{
    jpeg_planes_close(reader);
}

/* What is a warning to libpng is for the other path to say. */
static void *open_png(const struct wire_job *job, const struct image_head *head, const unsigned char *data,
                      size_t bytes)
{
    if (job->fail_on == WIRE_FAIL_ON_WARNING) {
        return NULL;
    }
    struct png_planes *png = png_planes_open(data, bytes, decode_background(&job->profile));
    if (png == NULL || png_planes_width_px(png) != head->width_px ||
        png_planes_height_px(png) != head->height_px || !png_planes_is_srgb(png)) {
        png_planes_close(png);
        return NULL;
    }
    return png;
}

static int read_png(void *reader, struct planes *planes, struct err *err)
{
    return png_planes_read(reader, planes, err);
}

static void close_png(void *reader)
{
    png_planes_close(reader);
}

static bool is_webp_srgb(const struct webp_read *webp)
{
    size_t bytes = 0;
    const unsigned char *icc = webp_read_icc(webp, &bytes);
    return icc == NULL || srgb_profile_matches(icc, bytes);
}

static void *open_webp(const struct wire_job *job, const struct image_head *head, const unsigned char *data,
                       size_t bytes)
{
    (void)job;
    struct webp_read *webp = webp_read_open(data, bytes);
    if (webp == NULL || webp_read_width_px(webp) != head->width_px ||
        webp_read_height_px(webp) != head->height_px || !is_webp_srgb(webp)) {
        webp_read_close(webp);
        return NULL;
    }
    return webp;
}

static int read_webp(void *reader, struct planes *planes, struct err *err)
{
    return webp_read_planes(reader, planes, err);
}

static void close_webp(void *reader)
{
    webp_read_close(reader);
}

static const struct verbs readers[IMAGE_FORMAT_COUNT] = {
    [IMAGE_JPEG] = {open_jpeg, read_jpeg, close_jpeg},
    [IMAGE_PNG] = {open_png, read_png, close_png},
    [IMAGE_WEBP] = {open_webp, read_webp, close_webp},
};

struct ycc_source *ycc_source_open(const struct wire_job *job, const struct image_head *head,
                                   const unsigned char *data, size_t bytes)
{
    const struct verbs *verbs = &readers[head->format];
    void *reader = verbs->open == NULL ? NULL : verbs->open(job, head, data, bytes);
    if (reader == NULL) {
        return NULL;
    }
    struct ycc_source *source = alloc_zeroed(1, sizeof *source);
    source->verbs = verbs;
    source->reader = reader;
    return source;
}

int ycc_source_read(struct ycc_source *source, struct planes *planes, struct err *err)
{
    return source->verbs->read(source->reader, planes, err);
}

void ycc_source_close(struct ycc_source *source)
{
    if (source != NULL) {
        source->verbs->close(source->reader);
        free(source);
    }
}
