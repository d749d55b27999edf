// SPDX-License-Identifier: Apache-2.0
/*
 * One pair of functions for each type of frame, in a table. A reader that has met a fault gives zeros from
 * then on, so the functions read straight on and the fault is looked at once, at the end.
 */
#include "worker/wire/wire.h"

#include <assert.h>
#include <limits.h>

const char wire_base83[WIRE_BASE + 1] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

enum { MOST_EFFORT = 6, MOST_QUALITY = 100 };

struct writer {
    unsigned char *at;
    unsigned char *end;
};

struct reader {
    const unsigned char *at;
    const unsigned char *end;
    const char *fault; /* NULL while all is well */
};

static void put_number(struct writer *writer, uint64_t value, unsigned bytes)
{
    assert((size_t)(writer->end - writer->at) >= bytes);
    for (unsigned i = 0; i < bytes; i++) {
        *writer->at++ = (unsigned char)(value >> (8 * i));
    }
}

static void put_i64(struct writer *writer, int64_t value)
{
    put_number(writer, (uint64_t)value, 8);
}

static void put_side(struct writer *writer, int px)
{
    put_number(writer, (uint64_t)(unsigned)px, 4);
}

static void put_byte(struct writer *writer, unsigned value)
{
    assert(value <= UCHAR_MAX);
    put_number(writer, value, 1);
}

/* A string of less than `size` bytes; a longer one is cut, which only sentences can be. */
static void put_text(struct writer *writer, const char *text, size_t size)
{
    size_t length = strnlen(text, size - 1);
    put_byte(writer, (unsigned)length);
    assert((size_t)(writer->end - writer->at) >= length);
    memcpy(writer->at, text, length);
    writer->at += length;
}

static void take_fault(struct reader *reader, const char *fault)
{
    if (reader->fault == NULL) {
        reader->fault = fault;
    }
}

static uint64_t take_number(struct reader *reader, unsigned bytes)
{
    if (reader->fault != NULL || (size_t)(reader->end - reader->at) < bytes) {
        take_fault(reader, "is too short");
        return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t)*reader->at++ << (8 * i);
    }
    return value;
}

static int64_t take_i64(struct reader *reader, int64_t least, int64_t most)
{
    uint64_t bits = take_number(reader, 8);
    int64_t value = bits > INT64_MAX ? -1 : (int64_t)bits;
    if (value < least || value > most) {
        take_fault(reader, "has a number out of range");
        return least;
    }
    return value;
}

/* No 32-bit number of ours is negative. */
static int take_side(struct reader *reader, int least)
{
    uint64_t value = take_number(reader, 4);
    if (value > INT_MAX || (int)value < least) {
        take_fault(reader, "has a side out of range");
        return least;
    }
    return (int)value;
}

static unsigned take_byte(struct reader *reader, unsigned least, unsigned most)
{
    unsigned value = (unsigned)take_number(reader, 1);
    if (value < least || value > most) {
        take_fault(reader, "has a value out of range");
        return least;
    }
    return value;
}

static void take_text(struct reader *reader, char *out, size_t size)
{
    size_t length = take_byte(reader, 0, (unsigned)size - 1);
    if (reader->fault != NULL || (size_t)(reader->end - reader->at) < length) {
        take_fault(reader, "is too short");
        length = 0;
    } else if (memchr(reader->at, '\0', length) != NULL) {
        take_fault(reader, "has a NUL in a string");
        length = 0;
    }
    memcpy(out, reader->at, length);
    out[length] = '\0';
    reader->at += length;
}

static void put_bytes(struct writer *writer, const unsigned char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        put_byte(writer, data[i]);
    }
}

static void take_bytes(struct reader *reader, unsigned char *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (unsigned char)take_byte(reader, 0, UCHAR_MAX);
    }
}

/* It goes into a row and to clients as it is, so nothing but digits is let through. */
static void take_blurhash(struct reader *reader, char out[WIRE_BLURHASH_CHARACTERS + 1])
{
    take_text(reader, out, WIRE_BLURHASH_CHARACTERS + 1);
    if (strspn(out, wire_base83) != WIRE_BLURHASH_CHARACTERS) {
        take_fault(reader, "has no BlurHash");
    }
}

/* What a codec needs of it: the effort of a busy pass is put into `effort` by who asks. */
static void encode_variant_of_profile(struct writer *writer, const struct profile_variant *variant)
{
    put_text(writer, variant->name, sizeof variant->name);
    put_text(writer, variant->folder, sizeof variant->folder);
    put_byte(writer, variant->fit);
    put_side(writer, variant->width_px);
    put_side(writer, variant->height_px);
    put_byte(writer, variant->format);
    put_byte(writer, (unsigned)variant->quality);
    put_byte(writer, (unsigned)variant->effort);
    put_byte(writer, variant->keeps_alpha ? 1 : 0);
    put_bytes(writer, variant->background, sizeof variant->background);
    put_byte(writer, variant->skip_if_larger ? 1 : 0);
    put_number(writer, (uint64_t)(unsigned)variant->min_ssim, 2);
}

static void decode_variant_of_profile(struct reader *reader, struct profile_variant *variant)
{
    take_text(reader, variant->name, sizeof variant->name);
    take_text(reader, variant->folder, sizeof variant->folder);
    variant->fit = (enum profile_fit)take_byte(reader, PROFILE_INSIDE, PROFILE_COVER);
    variant->width_px = take_side(reader, 0);
    variant->height_px = take_side(reader, 0);
    variant->format = (enum image_format)take_byte(reader, IMAGE_UNKNOWN + 1, IMAGE_FORMAT_COUNT - 1);
    variant->quality = (int)take_byte(reader, 1, MOST_QUALITY);
    variant->effort = (int)take_byte(reader, 0, MOST_EFFORT);
    variant->keeps_alpha = take_byte(reader, 0, 1) != 0;
    take_bytes(reader, variant->background, sizeof variant->background);
    variant->skip_if_larger = take_byte(reader, 0, 1) != 0;
    variant->min_ssim = (int)take_number(reader, 2);
    if (variant->min_ssim > PROFILE_SIMILARITY_ONE) {
        take_fault(reader, "has a similarity out of range");
    }
}

/* The limits in the order in which they travel. */
static void list_limits(struct image_limits *limits, int64_t *fields[6])
{
    fields[0] = &limits->max_file_bytes;
    fields[1] = &limits->min_side_px;
    fields[2] = &limits->max_side_px;
    fields[3] = &limits->max_pixels;
    fields[4] = &limits->max_frames;
    fields[5] = &limits->max_scans;
}

static void encode_job(struct writer *writer, const struct wire_frame *frame)
{
    const struct wire_job *job = &frame->job;
    struct image_limits limits = job->limits;
    int64_t *fields[6];
    list_limits(&limits, fields);
    put_i64(writer, job->input_bytes);
    put_byte(writer, job->format);
    put_byte(writer, job->fail_on);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        put_i64(writer, *fields[i]);
    }
    assert(job->profile.count >= 1 && job->profile.count <= PROFILE_MAX_VARIANTS);
    put_text(writer, job->profile.name, sizeof job->profile.name);
    put_byte(writer, (unsigned)job->profile.count);
    for (size_t i = 0; i < job->profile.count; i++) {
        encode_variant_of_profile(writer, &job->profile.variants[i]);
    }
}

static void decode_job(struct reader *reader, struct wire_frame *frame)
{
    struct wire_job *job = &frame->job;
    int64_t *fields[6];
    list_limits(&job->limits, fields);
    job->input_bytes = take_i64(reader, 0, INT64_MAX);
    job->format = (enum image_format)take_byte(reader, IMAGE_UNKNOWN + 1, IMAGE_FORMAT_COUNT - 1);
    job->fail_on = (enum wire_fail_on)take_byte(reader, WIRE_FAIL_ON_ERROR, WIRE_FAIL_ON_WARNING);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        *fields[i] = take_i64(reader, 0, INT64_MAX);
    }
    take_text(reader, job->profile.name, sizeof job->profile.name);
    job->profile.count = take_byte(reader, 1, PROFILE_MAX_VARIANTS);
    for (size_t i = 0; i < job->profile.count; i++) {
        decode_variant_of_profile(reader, &job->profile.variants[i]);
    }
}

static void encode_head(struct writer *writer, const struct wire_frame *frame)
{
    put_side(writer, frame->head.width_px);
    put_side(writer, frame->head.height_px);
    put_side(writer, frame->head.upright_width_px);
    put_side(writer, frame->head.upright_height_px);
}

static void decode_head(struct reader *reader, struct wire_frame *frame)
{
    frame->head.width_px = take_side(reader, 1);
    frame->head.height_px = take_side(reader, 1);
    frame->head.upright_width_px = take_side(reader, 1);
    frame->head.upright_height_px = take_side(reader, 1);
}

static void encode_variant(struct writer *writer, const struct wire_frame *frame)
{
    put_byte(writer, frame->variant.index);
    put_side(writer, frame->variant.width_px);
    put_side(writer, frame->variant.height_px);
    put_i64(writer, frame->variant.bytes);
    put_i64(writer, frame->variant.make_us);
}

static void decode_variant(struct reader *reader, struct wire_frame *frame)
{
    frame->variant.index = take_byte(reader, 0, PROFILE_MAX_VARIANTS - 1);
    frame->variant.width_px = take_side(reader, 1);
    frame->variant.height_px = take_side(reader, 1);
    frame->variant.bytes = take_i64(reader, 0, INT64_MAX);
    frame->variant.make_us = take_i64(reader, 0, INT64_MAX);
}

static void encode_done(struct writer *writer, const struct wire_frame *frame)
{
    put_side(writer, frame->done.width_px);
    put_side(writer, frame->done.height_px);
    put_i64(writer, frame->done.decode_us);
    put_i64(writer, frame->done.encode_us);
    put_i64(writer, frame->done.peak_bytes);
    put_text(writer, frame->done.blurhash, sizeof frame->done.blurhash);
    put_bytes(writer, frame->done.dominant_colour, sizeof frame->done.dominant_colour);
}

static void decode_done(struct reader *reader, struct wire_frame *frame)
{
    frame->done.width_px = take_side(reader, 1);
    frame->done.height_px = take_side(reader, 1);
    frame->done.decode_us = take_i64(reader, 0, INT64_MAX);
    frame->done.encode_us = take_i64(reader, 0, INT64_MAX);
    frame->done.peak_bytes = take_i64(reader, 0, INT64_MAX);
    take_blurhash(reader, frame->done.blurhash);
    take_bytes(reader, frame->done.dominant_colour, sizeof frame->done.dominant_colour);
}

static void encode_failed(struct writer *writer, const struct wire_frame *frame)
{
    put_byte(writer, frame->failed.code);
    put_text(writer, frame->failed.sentence, sizeof frame->failed.sentence);
}

static void decode_failed(struct reader *reader, struct wire_frame *frame)
{
    frame->failed.code = (enum err_code)take_byte(reader, ERR_NONE + 1, ERR_CODE_COUNT - 1);
    take_text(reader, frame->failed.sentence, sizeof frame->failed.sentence);
}

static void encode_nothing(struct writer *writer, const struct wire_frame *frame)
{
    (void)writer;
    (void)frame;
}

static void decode_nothing(struct reader *reader, struct wire_frame *frame)
{
    (void)reader;
    (void)frame;
}

static const struct {
    void (*encode)(struct writer *writer, const struct wire_frame *frame);
    void (*decode)(struct reader *reader, struct wire_frame *frame);
} types[] = {
    [WIRE_READY] = {encode_nothing, decode_nothing}, [WIRE_JOB] = {encode_job, decode_job},
    [WIRE_HEAD] = {encode_head, decode_head},        [WIRE_VARIANT] = {encode_variant, decode_variant},
    [WIRE_DONE] = {encode_done, decode_done},        [WIRE_FAILED] = {encode_failed, decode_failed},
};

size_t wire_encode(const struct wire_frame *frame, unsigned char out[WIRE_MAX_BYTES])
{
    struct writer writer = {.at = out, .end = out + WIRE_MAX_BYTES};
    assert(frame->type >= WIRE_READY && frame->type <= WIRE_FAILED);
    put_byte(&writer, WIRE_VERSION);
    put_byte(&writer, frame->type);
    put_number(&writer, frame->ticket, 8);
    types[frame->type].encode(&writer, frame);
    return (size_t)(writer.at - out);
}

int wire_decode(const unsigned char *data, size_t bytes, struct wire_frame *frame, struct err *err)
{
    struct reader reader = {.at = data, .end = data + bytes};
    if (bytes > WIRE_MAX_BYTES) {
        return err_set(err, ERR_INTERNAL, "a frame of %zu bytes is too long", bytes);
    }
    unsigned version = take_byte(&reader, 0, UCHAR_MAX);
    if (reader.fault == NULL && version != WIRE_VERSION) {
        return err_set(err, ERR_INTERNAL, "a frame of version %u, not %d", version, WIRE_VERSION);
    }
    struct wire_frame read;
    memset(&read, 0, sizeof read);
    read.type = (enum wire_type)take_byte(&reader, WIRE_READY, WIRE_FAILED);
    read.ticket = take_number(&reader, 8);
    if (reader.fault == NULL) {
        types[read.type].decode(&reader, &read);
    }
    if (reader.fault == NULL && reader.at != reader.end) {
        reader.fault = "has bytes after its end";
    }
    if (reader.fault != NULL) {
        return err_set(err, ERR_INTERNAL, "a frame of %zu bytes %s", bytes, reader.fault);
    }
    *frame = read;
    return 0;
}
