// SPDX-License-Identifier: Apache-2.0
/*
 * The job as libvips is plainly asked to do it: two thumbnails, each from the file with shrink-on-load, and webpsave of the file.
 */
#include "tests/bench/bench_line.h"

#include <vips/vips.h>

static void fail(void)
{
    bench_fail(vips_error_buffer());
}

static void make_small(const struct bench_job *job, const char *name, int most_px, int quality)
{
    /* libvips only reads it */
    void *data = g_memdup2(job->data, job->bytes);
    VipsImage *image = NULL;
    void *made = NULL;
    size_t bytes = 0;
    if (vips_thumbnail_buffer(data, job->bytes, &image, most_px, "height", most_px, "size", VIPS_SIZE_DOWN,
                              NULL) != 0 ||
        vips_jpegsave_buffer(image, &made, &bytes, "Q", quality, "optimize_coding", TRUE, "strip", TRUE,
                             "subsample_mode", VIPS_FOREIGN_SUBSAMPLE_ON, NULL) != 0) {
        fail();
    }
    bench_variant(name, made, bytes);
    g_free(made);
    g_object_unref(image);
    g_free(data);
}

static void make_webp(const struct bench_job *job)
{
    VipsImage *image =
        vips_image_new_from_buffer(job->data, job->bytes, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
    VipsImage *upright = NULL;
    void *made = NULL;
    size_t bytes = 0;
    if (image == NULL || vips_autorot(image, &upright, NULL) != 0 ||
        vips_webpsave_buffer(upright, &made, &bytes, "Q", (int)job->quality, "effort", job->method, "strip",
                             TRUE, NULL) != 0) {
        fail();
    }
    bench_variant("webp", made, bytes);
    g_free(made);
    g_object_unref(upright);
    g_object_unref(image);
}

static void run(const struct bench_job *job)
{
    make_small(job, "thumbnail", BENCH_THUMBNAIL_PX, BENCH_THUMBNAIL_Q);
    make_small(job, "medium", BENCH_MEDIUM_PX, BENCH_MEDIUM_Q);
    bench_stage("small");
    make_webp(job);
    bench_stage("webp");
}

int main(int argc, char **argv)
{
    if (argc < 1 || VIPS_INIT(argv[0]) != 0) {
        return 1;
    }
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    return bench_serve(run);
}
