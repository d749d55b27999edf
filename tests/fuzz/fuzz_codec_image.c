// SPDX-License-Identifier: Apache-2.0
/*
 * A whole job over any bytes, without the cage: format by signature, sides of 1 to 600 px so that an input costs little, small
 * variants of each kind. The libraries are fuzzed with us; what is looked for is our own use of them.
 */
#include "worker/codec/codec.h"
#include "worker/codec/library.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* What a job has told so far. */
struct told {
    size_t variants;
    bool has_head;
};

static int on_head(void *owner, const struct wire_head *head, struct err *err)
{
    struct told *told = owner;
    (void)err;
    assert(!told->has_head && head->width_px >= 1 && head->width_px <= 600 && head->height_px >= 1);
    told->has_head = true;
    return 0;
}

static int on_variant(void *owner, const struct wire_variant *variant, const unsigned char *data,
                      struct err *err)
{
    struct told *told = owner;
    (void)err;
    assert(told->has_head && variant->index == told->variants && variant->bytes > 8 && data != NULL);
    assert(variant->width_px >= 1 && variant->width_px <= 600 && variant->height_px >= 1 &&
           variant->height_px <= 600);
    told->variants++;
    return 0;
}

static enum image_format format_of(const uint8_t *data, size_t bytes)
{
    return bytes > 0 && data[0] == 0x89 ? IMAGE_PNG : bytes > 0 && data[0] == 'R' ? IMAGE_WEBP : IMAGE_JPEG;
}

/* Once a process: there is no call before the first input that both libFuzzer and the replay make. */
static void start_library(void)
{
    static bool is_started;
    struct err err;
    if (!is_started && library_start(&err) != 0) {
        fprintf(stderr, "%s\n", err.sentence);
        abort();
    }
    is_started = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct wire_job job = {
        .input_bytes = (int64_t)bytes,
        .format = format_of(data, bytes),
        .fail_on = bytes % 3 == 0 ? WIRE_FAIL_ON_ERROR : WIRE_FAIL_ON_TRUNCATED,
        .limits = {.max_file_bytes = 1 << 20,
                   .min_side_px = 1,
                   .max_side_px = 600,
                   .max_pixels = 200000,
                   .max_frames = 4,
                   .max_scans = 8},
        .profile = {.name = "fuzz",
                    .count = 3,
                    .variants = {{.name = "small",
                                  .width_px = 40,
                                  .height_px = 30,
                                  .format = IMAGE_JPEG,
                                  .quality = 85},
                                 {.name = "crop",
                                  .fit = PROFILE_COVER,
                                  .width_px = 20,
                                  .height_px = 50,
                                  .format = IMAGE_PNG,
                                  .quality = 85},
                                 {.name = "kept",
                                  .width_px = 64,
                                  .height_px = 64,
                                  .format = IMAGE_WEBP,
                                  .quality = 85,
                                  .keeps_alpha = true}}},
    };
    struct told told = {.variants = 0};
    struct codec_output output = {.owner = &told, .head = on_head, .variant = on_variant};
    struct wire_done done;
    struct err err = {.code = ERR_NONE};
    start_library();
    if (codec_run(&job, data, bytes, &output, &done, &err) == 0) {
        assert(told.variants == job.profile.count && done.width_px >= 1 && done.height_px >= 1);
    } else {
        assert(err.code != ERR_NONE && err.code != ERR_INTERNAL);
    }
    return 0;
}
