// SPDX-License-Identifier: Apache-2.0
/*
 * A whole job whose variants the direct path can make, over any bytes, without the cage; then the same with one more variant that sends
 * it through libvips: what the one takes the other must take. (The direct path sees every bad code, libvips most.)
 */
#include "worker/codec/codec.h"
#include "worker/codec/library.h"

#include <assert.h>

enum { DIRECT = 3, EVERY = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Which variants were made, a bit each. */
struct told {
    unsigned variants;
};

static int on_head(void *owner, const struct wire_head *head, struct err *err)
{
    (void)owner;
    (void)err;
    assert(head->width_px >= 1 && head->width_px <= 600 && head->height_px >= 1 && head->height_px <= 600);
    return 0;
}

static int on_variant(void *owner, const struct wire_variant *variant, const unsigned char *data,
                      struct err *err)
{
    struct told *told = owner;
    (void)err;
    assert((told->variants & 1U << variant->index) == 0 && variant->bytes > 8 && data != NULL);
    assert(variant->width_px >= 1 && variant->width_px <= 600 && variant->height_px >= 1 &&
           variant->height_px <= 600);
    told->variants |= 1U << variant->index;
    return 0;
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

/* The code with which a job over the first `count` variants ends. */
static enum err_code verdict(const uint8_t *data, size_t bytes, size_t count)
{
    const struct wire_job job = {
        .input_bytes = (int64_t)bytes,
        .format = IMAGE_JPEG,
        .fail_on = bytes % 3 == 0 ? WIRE_FAIL_ON_ERROR : WIRE_FAIL_ON_TRUNCATED,
        .limits = {.max_file_bytes = 1 << 20,
                   .min_side_px = 1,
                   .max_side_px = 600,
                   .max_pixels = 200000,
                   .max_frames = 4,
                   .max_scans = 12},
        .profile =
            {.name = "fuzz",
             .count = count,
             .variants =
                 {{.name = "small", .width_px = 20, .height_px = 15, .format = IMAGE_JPEG, .quality = 85},
                  {.name = "half", .width_px = 50, .height_px = 50, .format = IMAGE_JPEG, .quality = 85},
                  {.name = "full", .format = IMAGE_WEBP, .quality = 85},
                  {.name = "other", .width_px = 1, .height_px = 1, .format = IMAGE_PNG, .quality = 85}}},
    };
    struct told told = {.variants = 0};
    struct codec_output output = {.owner = &told, .head = on_head, .variant = on_variant};
    struct wire_done done;
    struct err err = {.code = ERR_NONE};
    if (codec_run(&job, data, bytes, &output, &done, &err) == 0) {
        assert(told.variants == (1U << count) - 1 && done.width_px >= 1 && done.height_px >= 1);
        return ERR_NONE;
    }
    assert(err.code != ERR_NONE && err.code != ERR_INTERNAL);
    return err.code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    start_library();
    enum err_code direct = verdict(data, bytes, DIRECT);
    enum err_code other = verdict(data, bytes, EVERY);
    if (direct == ERR_NONE && other != ERR_NONE) {
        fprintf(stderr, "taken by planes, %s by pixels\n", err_word(other));
        abort();
    }
    return 0;
}
