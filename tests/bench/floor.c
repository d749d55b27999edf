// SPDX-License-Identifier: Apache-2.0
/*
 * The floor of tests/bench/pipeline: the least that the job can cost with libjpeg-turbo and libwebp. One decode to 4:2:0 planes, the
 * medium reduced from them, the thumbnail from the medium, and the planes handed to libwebp as they are. No checks, no colour
 * profiles, no orientation: what those cost is what the codec is allowed above it.
 */
#include "tests/bench/bench_line.h"
#include "tests/bench/planes.h"

#include <stdlib.h>

#include <webp/encode.h>

static void make_jpeg(const char *name, const struct planes *planes, int quality)
{
    unsigned char *data = NULL;
    size_t bytes = 0;
    planes_to_jpeg(planes, quality, &data, &bytes);
    bench_variant(name, data, bytes);
    free(data);
}

static void make_small(const struct planes *planes)
{
    struct planes medium;
    struct planes thumbnail;
    planes_reduce(planes, BENCH_MEDIUM_PX, &medium);
    planes_to_full(&medium);
    planes_reduce(&medium, BENCH_THUMBNAIL_PX, &thumbnail);
    make_jpeg("thumbnail", &thumbnail, BENCH_THUMBNAIL_Q);
    make_jpeg("medium", &medium, BENCH_MEDIUM_Q);
    planes_release(&thumbnail);
    planes_release(&medium);
}

static void make_webp(const struct planes *planes, int method, float quality)
{
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter writer;
    if (!WebPConfigPreset(&config, WEBP_PRESET_DEFAULT, quality) || !WebPPictureInit(&picture)) {
        bench_fail("another libwebp than the one it was built with");
    }
    config.method = method;
    WebPMemoryWriterInit(&writer);
    picture.width = planes->plane[0].width;
    picture.height = planes->plane[0].height;
    picture.y = planes->plane[0].data;
    picture.u = planes->plane[1].data;
    picture.v = planes->plane[2].data;
    picture.y_stride = planes->plane[0].stride;
    picture.uv_stride = planes->plane[1].stride;
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    if (!WebPEncode(&config, &picture)) {
        bench_fail("libwebp can not encode the planes");
    }
    bench_variant("webp", writer.mem, writer.size);
    WebPMemoryWriterClear(&writer);
    WebPPictureFree(&picture);
}

static void run(const struct bench_job *job)
{
    struct planes planes;
    planes_decode(&planes, job->data, job->bytes);
    bench_stage("decode");
    make_small(&planes);
    bench_stage("small");
    planes_to_studio(&planes);
    bench_stage("range");
    make_webp(&planes, job->method, job->quality);
    planes_release(&planes);
    bench_stage("webp");
}

int main(void)
{
    return bench_serve(run);
}
