// SPDX-License-Identifier: Apache-2.0
#include "worker/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct wire_frame a_job(void)
{
    return (struct wire_frame){.type = WIRE_JOB,
                               .ticket = 0xfedcba9876543210,
                               .job = {.input_bytes = 5242880,
                                       .format = IMAGE_WEBP,
                                       .fail_on = WIRE_FAIL_ON_TRUNCATED,
                                       .limits = {.max_file_bytes = 5242880,
                                                  .min_side_px = 200,
                                                  .max_side_px = 5000,
                                                  .max_pixels = 40000000,
                                                  .max_frames = 64,
                                                  .max_scans = INT64_MAX},
                                       .profile = *profile_default()}};
}

static struct wire_frame frame_of(enum wire_type type)
{
    struct wire_frame frame = {.type = type, .ticket = 7};
    switch (type) {
    case WIRE_READY:
        frame.ticket = 0;
        break;
    case WIRE_JOB:
        return a_job();
    case WIRE_HEAD:
        frame.head = (struct wire_head){.width_px = 4000,
                                        .height_px = INT32_MAX,
                                        .upright_width_px = INT32_MAX,
                                        .upright_height_px = 4000};
        break;
    case WIRE_VARIANT:
        frame.variant = (struct wire_variant){
            .index = 2, .width_px = 1, .height_px = 300, .bytes = INT64_MAX, .make_us = 7};
        break;
    case WIRE_DONE:
        frame.done = (struct wire_done){.width_px = 3000,
                                        .height_px = 4000,
                                        .decode_us = 1,
                                        .encode_us = 0,
                                        .peak_bytes = 70000000,
                                        .blurhash = "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
                                        .dominant_colour = {1, 0, 255}};
        break;
    case WIRE_FAILED:
        frame.failed =
            (struct wire_failed){.code = ERR_CORRUPT_IMAGE, .sentence = "the file ends \xc3\xa9 early"};
        break;
    }
    return frame;
}

/* Decodes an exact copy, so that a sanitizer sees a read past the end. */
static int decode(const unsigned char *data, size_t bytes, struct wire_frame *frame, struct err *err)
{
    unsigned char *copy = malloc(bytes > 0 ? bytes : 1);
    assert_non_null(copy);
    memcpy(copy, data, bytes);
    int rc = wire_decode(copy, bytes, frame, err);
    free(copy);
    return rc;
}

/* Encodes a frame and decodes what came of it. */
static int there_and_back(const struct wire_frame *frame, struct wire_frame *read, struct err *err)
{
    unsigned char bytes[WIRE_MAX_BYTES];
    size_t length = wire_encode(frame, bytes);
    return decode(bytes, length, read, err);
}

/* Decoding and encoding again gives the same bytes: no field is lost, none is made up. */
static void every_type_goes_there_and_back(void **state)
{
    (void)state;
    for (unsigned type = WIRE_READY; type <= WIRE_FAILED; type++) {
        struct wire_frame frame = frame_of((enum wire_type)type);
        struct wire_frame read;
        struct err err;
        unsigned char bytes[WIRE_MAX_BYTES];
        unsigned char again[WIRE_MAX_BYTES];
        size_t length = wire_encode(&frame, bytes);
        assert_int_equal(decode(bytes, length, &read, &err), 0);
        assert_int_equal(read.type, type);
        assert_int_equal(read.ticket, frame.ticket);
        assert_int_equal(wire_encode(&read, again), length);
        assert_memory_equal(again, bytes, length);
    }
}

static void a_jobs_fields_arrive(void **state)
{
    (void)state;
    struct wire_frame frame = a_job();
    struct wire_frame read;
    struct err err;
    frame.job.profile.variants[1].fit = PROFILE_COVER;
    frame.job.profile.variants[1].keeps_alpha = true;
    memcpy(frame.job.profile.variants[1].background, "\1\2\3", 3);
    frame.job.profile.variants[1].skip_if_larger = true;
    frame.job.profile.variants[1].min_ssim = PROFILE_SIMILARITY_ONE;
    assert_int_equal(there_and_back(&frame, &read, &err), 0);
    assert_int_equal(read.job.input_bytes, 5242880);
    assert_int_equal(read.job.format, IMAGE_WEBP);
    assert_int_equal(read.job.fail_on, WIRE_FAIL_ON_TRUNCATED);
    assert_memory_equal(&read.job.limits, &frame.job.limits, sizeof read.job.limits);
    assert_string_equal(read.job.profile.name, "default-1");
    assert_int_equal(read.job.profile.count, 3);
    const struct profile_variant *variant = &read.job.profile.variants[1];
    assert_string_equal(variant->name, "medium");
    assert_string_equal(variant->folder, "medium");
    assert_int_equal(variant->fit, PROFILE_COVER);
    assert_int_equal(variant->width_px, 800);
    assert_int_equal(variant->quality, 90);
    assert_true(variant->keeps_alpha);
    assert_memory_equal(variant->background, "\1\2\3", 3);
    assert_true(variant->skip_if_larger);
    assert_int_equal(variant->min_ssim, PROFILE_SIMILARITY_ONE);
    assert_int_equal(read.job.profile.variants[2].effort, 4);
}

static void the_bytes_are_as_written_down(void **state)
{
    (void)state;
    struct wire_frame frame = frame_of(WIRE_HEAD);
    unsigned char bytes[WIRE_MAX_BYTES];
    assert_int_equal(wire_encode(&frame, bytes), 26);
    assert_memory_equal(bytes, "\2\3\7\0\0\0\0\0\0\0\xa0\x0f\0\0\xff\xff\xff\x7f\xff\xff\xff\x7f\xa0\x0f\0\0",
                        26);
}

static void cut_and_longer_frames_are_refused(void **state)
{
    (void)state;
    for (unsigned type = WIRE_READY; type <= WIRE_FAILED; type++) {
        struct wire_frame frame = frame_of((enum wire_type)type);
        struct wire_frame untouched;
        struct wire_frame read;
        unsigned char bytes[WIRE_MAX_BYTES + 1] = {0};
        memset(&untouched, 0x5a, sizeof untouched);
        memset(&read, 0x5a, sizeof read);
        size_t length = wire_encode(&frame, bytes);
        for (size_t cut = 0; cut <= length + 1; cut++) {
            struct err err = {.code = ERR_NONE};
            if (cut == length) {
                continue;
            }
            assert_int_equal(decode(bytes, cut, &read, &err), -1);
            assert_int_equal(err.code, ERR_INTERNAL);
            assert_memory_equal(&read, &untouched, sizeof read);
        }
    }
    unsigned char much[WIRE_MAX_BYTES + 1] = {WIRE_VERSION, WIRE_READY};
    struct wire_frame read;
    assert_int_equal(decode(much, sizeof much, &read, NULL), -1);
}

static void expect_refusal(enum wire_type type, size_t at, unsigned char value)
{
    struct wire_frame frame = frame_of(type);
    struct wire_frame read;
    unsigned char bytes[WIRE_MAX_BYTES];
    size_t length = wire_encode(&frame, bytes);
    assert_true(at < length && bytes[at] != value);
    bytes[at] = value;
    assert_int_equal(decode(bytes, length, &read, NULL), -1);
}

static void values_out_of_range_are_refused(void **state)
{
    (void)state;
    enum { BODY = 10, JOB_FORMAT = BODY + 8, JOB_LIMITS = JOB_FORMAT + 2, JOB_PROFILE = JOB_LIMITS + 48 };
    enum { JOB_COUNT = JOB_PROFILE + 1 + 9 /* "default-1" */, JOB_VARIANT = JOB_COUNT + 1 };
    enum { JOB_FIT = JOB_VARIANT + 1 + 9 /* "thumbnail" */ + 1 + 10 /* "thumbnails" */ };
    enum { DONE_BLURHASH = BODY + 2 * 4 + 3 * 8 };
    expect_refusal(WIRE_READY, 0, 0);
    expect_refusal(WIRE_READY, 0, WIRE_VERSION + 1);
    expect_refusal(WIRE_READY, 1, 0);
    expect_refusal(WIRE_READY, 1, WIRE_FAILED + 1);
    expect_refusal(WIRE_JOB, BODY + 7, 0x80); /* a negative length */
    expect_refusal(WIRE_JOB, JOB_FORMAT, IMAGE_UNKNOWN);
    expect_refusal(WIRE_JOB, JOB_FORMAT, IMAGE_FORMAT_COUNT);
    expect_refusal(WIRE_JOB, JOB_FORMAT + 1, WIRE_FAIL_ON_WARNING + 1);
    expect_refusal(WIRE_JOB, JOB_LIMITS + 7, 0xff);
    expect_refusal(WIRE_JOB, JOB_PROFILE, PROFILE_NAME_BYTES);
    expect_refusal(WIRE_JOB, JOB_PROFILE + 1, 0); /* a NUL in a name */
    expect_refusal(WIRE_JOB, JOB_COUNT, 0);
    expect_refusal(WIRE_JOB, JOB_COUNT, PROFILE_MAX_VARIANTS + 1);
    expect_refusal(WIRE_JOB, JOB_VARIANT, 0xff);
    expect_refusal(WIRE_JOB, JOB_FIT, PROFILE_COVER + 1);
    expect_refusal(WIRE_JOB, JOB_FIT + 4, 0x80); /* a negative width */
    expect_refusal(WIRE_JOB, JOB_FIT + 9, IMAGE_UNKNOWN);
    expect_refusal(WIRE_JOB, JOB_FIT + 10, 0);
    expect_refusal(WIRE_JOB, JOB_FIT + 10, 101);
    expect_refusal(WIRE_JOB, JOB_FIT + 11, 7);
    expect_refusal(WIRE_JOB, JOB_FIT + 12, 2);
    expect_refusal(WIRE_JOB, JOB_FIT + 16, 2);
    expect_refusal(WIRE_JOB, JOB_FIT + 18, 4); /* a similarity of 1024 thousandths */
    expect_refusal(WIRE_HEAD, BODY + 7, 0x80);
    expect_refusal(WIRE_VARIANT, BODY, PROFILE_MAX_VARIANTS);
    expect_refusal(WIRE_VARIANT, BODY + 1, 0); /* a width of 0 */
    expect_refusal(WIRE_VARIANT, BODY + 16, 0x80);
    expect_refusal(WIRE_VARIANT, BODY + 24, 0x80); /* a time below 0 */
    expect_refusal(WIRE_HEAD, BODY + 8 + 7, 0x80);
    expect_refusal(WIRE_DONE, BODY + 8 + 7, 0xff);
    expect_refusal(WIRE_DONE, DONE_BLURHASH, WIRE_BLURHASH_CHARACTERS - 1);
    expect_refusal(WIRE_DONE, DONE_BLURHASH, WIRE_BLURHASH_CHARACTERS + 1);
    expect_refusal(WIRE_DONE, DONE_BLURHASH + 5, '"');
    expect_refusal(WIRE_FAILED, BODY, ERR_NONE);
    expect_refusal(WIRE_FAILED, BODY, ERR_CODE_COUNT);
    expect_refusal(WIRE_FAILED, BODY + 1, sizeof(((struct wire_failed *)NULL)->sentence));
}

static void the_longest_frames_fit(void **state)
{
    (void)state;
    struct wire_frame frame = a_job();
    struct wire_frame read;
    struct err err;
    frame.job.profile.count = PROFILE_MAX_VARIANTS;
    for (size_t i = 0; i < PROFILE_MAX_VARIANTS; i++) {
        frame.job.profile.variants[i] = frame.job.profile.variants[0];
        memset(frame.job.profile.variants[i].name, 'n', PROFILE_NAME_BYTES - 1);
        memset(frame.job.profile.variants[i].folder, 'f', PROFILE_NAME_BYTES - 1);
    }
    assert_int_equal(there_and_back(&frame, &read, &err), 0);
    assert_int_equal(strlen(read.job.profile.variants[7].folder), PROFILE_NAME_BYTES - 1);
    frame = frame_of(WIRE_FAILED);
    memset(frame.failed.sentence, 's', sizeof frame.failed.sentence - 1);
    frame.failed.sentence[sizeof frame.failed.sentence - 1] = '\0';
    assert_int_equal(there_and_back(&frame, &read, &err), 0);
    assert_string_equal(read.failed.sentence, frame.failed.sentence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_goes_there_and_back),
        cmocka_unit_test(a_jobs_fields_arrive),
        cmocka_unit_test(the_bytes_are_as_written_down),
        cmocka_unit_test(cut_and_longer_frames_are_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(the_longest_frames_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
