// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/codec.h"
#include "common/base/clock.h"
#include "worker/codec/blurhash.h"
#include "worker/codec/decode.h"
#include "worker/codec/quality.h"
#include "worker/codec/render.h"
#include "worker/codec/ycc.h"

static int64_t elapsed_us(uint64_t since_us)
{
    return (int64_t)(clock_monotonic_us() - since_us);
}

static int make_variant(struct render *render, size_t index, const struct codec_output *output,
                        struct err *err)
{
    const struct profile_variant *variant = &render->profile->variants[index];
    struct encode_bytes bytes;
    VipsImage *image = NULL;
    if (render_variant(render, index, &image, err) != 0 || quality_encode(image, variant, &bytes, err) != 0) {
        return err_context(err, "%s", variant->name);
    }
    struct wire_variant made = {.index = (unsigned)index,
                                .width_px = image->Xsize,
                                .height_px = image->Ysize,
                                .bytes = (int64_t)bytes.bytes};
    int rc = output->variant(output->owner, &made, bytes.data, err);
    encode_bytes_release(&bytes);
    return rc;
}

/* What is seen before a picture is there. */
static int describe(struct render *render, struct wire_done *done, struct err *err)
{
    const unsigned char *background = render->profile->variants[0].background;
    VipsImage *sketch = NULL;
    if (render_sketch(render, &sketch, err) != 0) {
        return err_context(err, "blurhash");
    }
    struct blurhash_pixels pixels = {.data = vips_image_get_data(sketch),
                                     .width_px = sketch->Xsize,
                                     .height_px = sketch->Ysize,
                                     .bands = sketch->Bands,
                                     .stride = (size_t)sketch->Xsize * (size_t)sketch->Bands,
                                     .background = {background[0], background[1], background[2]}};
    blurhash_encode(&pixels, done->blurhash);
    blurhash_dominant_colour(&pixels, done->dominant_colour);
    return 0;
}

static int make_all(const struct profile *profile, VipsImage *canvas, const struct codec_output *output,
                    struct wire_done *done, struct err *err)
{
    struct render render;
    int rc = 0;
    render_init(&render, profile, canvas);
    for (size_t i = 0; i < profile->count && rc == 0; i++) {
        rc = make_variant(&render, i, output, err);
    }
    if (rc == 0) {
        rc = describe(&render, done, err);
    }
    render_release(&render);
    return rc;
}

/* By way of libvips: any format, any colours, any variants. */
static int run_pixels(const struct wire_job *job, const struct decode_plan *plan, const unsigned char *data,
                      size_t bytes, const struct codec_output *output, struct wire_done *done,
                      struct err *err)
{
    VipsImage *canvas = NULL;
    uint64_t began_us = clock_monotonic_us();
    if (decode_image(job, plan, data, bytes, &canvas, err) != 0) {
        return -1;
    }
    done->width_px = canvas->Xsize;
    done->height_px = canvas->Ysize;
    done->decode_us = elapsed_us(began_us);
    began_us = clock_monotonic_us();
    int rc = make_all(&job->profile, canvas, output, done, err);
    done->encode_us = elapsed_us(began_us);
    g_object_unref(canvas);
    return rc;
}

/* By the direct path, for which the job was found fit. */
static int run_planes(struct ycc *ycc, const struct codec_output *output, struct wire_done *done,
                      struct err *err)
{
    uint64_t began_us = clock_monotonic_us();
    if (ycc_decode(ycc, done, err) != 0) {
        return -1;
    }
    done->decode_us = elapsed_us(began_us);
    began_us = clock_monotonic_us();
    int rc = ycc_make(ycc, output, done, err);
    done->encode_us = elapsed_us(began_us);
    return rc;
}

static struct wire_head head_of(const struct decode_plan *plan)
{
    /* orientations from 5 on swap the axes */
    bool is_on_its_side = plan->orientation >= 5;
    int width_px = plan->head.width_px;
    int height_px = plan->head.height_px;
    return (struct wire_head){.width_px = width_px,
                              .height_px = height_px,
                              .upright_width_px = is_on_its_side ? height_px : width_px,
                              .upright_height_px = is_on_its_side ? width_px : height_px};
}

/* Between the paths and the output: leaves variants out that are not worth their bytes, and tells how long each took. */
struct sieve {
    const struct wire_job *job;
    const struct codec_output *output;
    const struct wire_done *done;
    uint64_t since_us; /* when the image began, then when the variant before this one was given out */
    bool has_first;
};

static int on_variant(void *owner, const struct wire_variant *variant, const unsigned char *data,
                      struct err *err)
{
    struct sieve *sieve = owner;
    const struct profile_variant *wanted = &sieve->job->profile.variants[variant->index];
    struct wire_variant told = *variant;
    if (wanted->skip_if_larger && variant->bytes > sieve->job->input_bytes) {
        told.bytes = 0;
    }
    int64_t decode_us = sieve->has_first ? 0 : sieve->done->decode_us;
    int64_t make_us = elapsed_us(sieve->since_us) - decode_us;
    told.make_us = make_us > 0 ? make_us : 0;
    int rc = sieve->output->variant(sieve->output->owner, &told, data, err);
    sieve->has_first = true;
    sieve->since_us = clock_monotonic_us();
    return rc;
}

int codec_run(const struct wire_job *job, const unsigned char *data, size_t bytes,
              const struct codec_output *output, struct wire_done *done, struct err *err)
{
    struct decode_plan plan;
    struct wire_done made = {.width_px = 0};
    if (decode_check(job, data, bytes, &plan, err) != 0) {
        return -1;
    }
    struct wire_head head = head_of(&plan);
    if (output->head(output->owner, &head, err) != 0) {
        return -1;
    }
    struct sieve sieve = {.job = job, .output = output, .done = &made};
    struct codec_output sieved = {.owner = &sieve, .variant = on_variant};
    struct ycc *ycc = ycc_open(job, &plan, data, bytes);
    sieve.since_us = clock_monotonic_us();
    int rc = ycc != NULL ? run_planes(ycc, &sieved, &made, err)
                         : run_pixels(job, &plan, data, bytes, &sieved, &made, err);
    ycc_close(ycc);
    if (rc == 0) {
        *done = made;
    }
    return rc;
}
