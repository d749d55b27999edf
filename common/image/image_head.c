// SPDX-License-Identifier: Apache-2.0
/*
 * A table of steps: each wants a number of bytes together in kept[], looks at them, and names the next step
 * or settles.
 *
 *                 ┌─► JPEG_MARK ─► JPEG_CODE ─► JPEG_LENGTH ─► (skip) ─► JPEG_MARK ...
 *     SIGNATURE ──┤                                  └─► JPEG_FRAME ─► done
 *                 ├─► PNG_HEADER ─► done
 *                 └─► WEBP_CHUNK ─► WEBP_VP8 | WEBP_VP8L | WEBP_VP8X ─► done
 *
 * A JPEG is walked as libjpeg walks it (bytes between segments are passed over, fill bytes too), so that no
 * file means one size here and another in the decoder. How far its frame header may be is bounded by the
 * file's own limit: profiles and previews of megabytes before it are legal, and passing over them costs
 * nothing.
 */
#include "common/image/image_head.h"

#include <assert.h>

enum step {
    STEP_SIGNATURE,
    STEP_JPEG_MARK,
    STEP_JPEG_CODE,
    STEP_JPEG_LENGTH,
    STEP_JPEG_FRAME,
    STEP_PNG_HEADER,
    STEP_WEBP_CHUNK,
    STEP_WEBP_VP8,
    STEP_WEBP_VP8L,
    STEP_WEBP_VP8X,
    STEP_COUNT
};

enum {
    JPEG_TEM = 0x01,
    JPEG_SOF0 = 0xc0,
    JPEG_DHT = 0xc4,
    JPEG_JPG = 0xc8,
    JPEG_DAC = 0xcc,
    JPEG_SOF15 = 0xcf,
    JPEG_RST0 = 0xd0,
    JPEG_RST7 = 0xd7,
    JPEG_SOI = 0xd8,
    JPEG_EOI = 0xd9,
    JPEG_SOS = 0xda,
    JPEG_DQT = 0xdb,
    JPEG_DNL = 0xdc,
    JPEG_DRI = 0xdd,
    JPEG_APP0 = 0xe0,
    JPEG_APP15 = 0xef,
    JPEG_COM = 0xfe
};

enum { PNG_HEADER_BYTES = 25 /* length, "IHDR", 13, checksum */, PNG_MOST_PX = 0x7fffffff };

static const unsigned char jpeg_signature[] = {0xff, 0xd8, 0xff};
static const unsigned char png_signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
enum { WEBP_SIGNATURE_BYTES = 12 };

static uint32_t big_16(const unsigned char *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t big_32(const unsigned char *at)
{
    return big_16(at) << 16 | big_16(at + 2);
}

static uint32_t little_16(const unsigned char *at)
{
    return (uint32_t)at[1] << 8 | at[0];
}

static uint32_t little_24(const unsigned char *at)
{
    return (uint32_t)at[2] << 16 | little_16(at);
}

static uint32_t little_32(const unsigned char *at)
{
    return little_16(at + 2) << 16 | little_16(at);
}

static int refuse(struct image_head *head, enum err_code code, const char *why, struct err *err)
{
    head->state = IMAGE_HEAD_REFUSED;
    err_set(err, code, "%s", why);
    return STEP_COUNT;
}

static int settle(struct image_head *head, uint32_t width_px, uint32_t height_px, struct err *err)
{
    if (width_px == 0 || height_px == 0 || width_px > PNG_MOST_PX || height_px > PNG_MOST_PX) {
        return refuse(head, ERR_INVALID_IMAGE, "a side of the image is zero or beyond the format", err);
    }
    head->width_px = (int)width_px;
    head->height_px = (int)height_px;
    head->state = IMAGE_HEAD_DONE;
    return STEP_COUNT;
}

/* True where the bytes so far are the beginning of a WebP's twelve, or all of them. */
static bool may_be_webp(const unsigned char *kept, size_t bytes)
{
    return memcmp(kept, "RIFF", bytes < 4 ? bytes : 4) == 0 &&
           (bytes <= 8 || memcmp(kept + 8, "WEBP", bytes - 8) == 0);
}

static bool may_be(const unsigned char *kept, size_t bytes, const unsigned char *signature,
                   size_t signature_bytes)
{
    return memcmp(kept, signature, bytes < signature_bytes ? bytes : signature_bytes) == 0;
}

static int do_signature(struct image_head *head, struct err *err)
{
    const unsigned char *kept = head->kept;
    size_t bytes = head->kept_bytes;
    if (may_be(kept, bytes, jpeg_signature, sizeof jpeg_signature)) {
        head->format = bytes == sizeof jpeg_signature ? IMAGE_JPEG : IMAGE_UNKNOWN;
        return head->format == IMAGE_JPEG ? STEP_JPEG_CODE : STEP_SIGNATURE;
    }
    if (may_be(kept, bytes, png_signature, sizeof png_signature)) {
        head->format = bytes == sizeof png_signature ? IMAGE_PNG : IMAGE_UNKNOWN;
        return head->format == IMAGE_PNG ? STEP_PNG_HEADER : STEP_SIGNATURE;
    }
    if (may_be_webp(kept, bytes)) {
        if (bytes < WEBP_SIGNATURE_BYTES) {
            return STEP_SIGNATURE;
        }
        head->format = IMAGE_WEBP;
        /* "WEBP", a chunk's header and the least content */
        if (little_32(kept + 4) < 4 + 8 + 4) {
            return refuse(head, ERR_INVALID_IMAGE, "the size of the RIFF container is too small", err);
        }
        return STEP_WEBP_CHUNK;
    }
    return refuse(head, ERR_UNSUPPORTED_FORMAT, "the first bytes are of no accepted format", err);
}

static int do_jpeg_mark(struct image_head *head, struct err *err)
{
    (void)err;
    return head->kept[0] == 0xff ? STEP_JPEG_CODE : STEP_JPEG_MARK;
}

static int do_jpeg_frame_code(struct image_head *head, unsigned code, struct err *err)
{
    /* baseline, extended, progressive, and the last two arithmetic-coded; the rest is lossless or
     * hierarchical */
    static const unsigned char is_taken[16] = {1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0};
    if (!is_taken[code - JPEG_SOF0]) {
        return refuse(head, ERR_INVALID_IMAGE, "a kind of JPEG that is not decoded here", err);
    }
    return STEP_JPEG_FRAME;
}

static int do_jpeg_code(struct image_head *head, struct err *err)
{
    unsigned code = head->kept[0];
    if (code == 0xff) {
        return STEP_JPEG_CODE;
    }
    if (code == 0) {
        return STEP_JPEG_MARK;
    }
    if (code == JPEG_TEM || (code >= JPEG_RST0 && code <= JPEG_RST7)) {
        return STEP_JPEG_MARK;
    }
    if (code == JPEG_DHT || code == JPEG_DAC || code == JPEG_DQT || code == JPEG_DNL || code == JPEG_DRI ||
        code == JPEG_COM || (code >= JPEG_APP0 && code <= JPEG_APP15)) {
        return STEP_JPEG_LENGTH;
    }
    if (code >= JPEG_SOF0 && code <= JPEG_SOF15) {
        return do_jpeg_frame_code(head, code, err);
    }
    if (code == JPEG_SOS || code == JPEG_EOI || code == JPEG_SOI) {
        return refuse(head, ERR_INVALID_IMAGE, "the JPEG has no frame header before its data or its end",
                      err);
    }
    return refuse(head, ERR_INVALID_IMAGE, "the JPEG has a marker that no encoder writes", err);
}

static int do_jpeg_length(struct image_head *head, struct err *err)
{
    uint32_t bytes = big_16(head->kept);
    if (bytes < 2) {
        return refuse(head, ERR_INVALID_IMAGE, "a segment of the JPEG has an impossible length", err);
    }
    head->skip_bytes = bytes - 2;
    return STEP_JPEG_MARK;
}

/* T.81 B.2.2: length, precision, lines, samples a line, components */
static int do_jpeg_frame(struct image_head *head, struct err *err)
{
    const unsigned char *kept = head->kept;
    unsigned components = kept[7];
    if (kept[2] != 8) {
        return refuse(head, ERR_INVALID_IMAGE, "a JPEG of another depth than 8 bits", err);
    }
    if (components == 0 || components > 4 || big_16(kept) != 8 + 3 * components) {
        return refuse(head, ERR_INVALID_IMAGE, "the JPEG's frame header has a wrong length", err);
    }
    return settle(head, big_16(kept + 5), big_16(kept + 3), err);
}

/* The checksum of PNG chunks (W3C PNG annex D); seventeen bytes once a file, so bit by bit. */
static uint32_t png_checksum(const unsigned char *data, size_t bytes)
{
    uint32_t sum = 0xffffffff;
    for (size_t i = 0; i < bytes; i++) {
        sum ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0xedb88320 : 0);
        }
    }
    return ~sum;
}

static int do_png_header(struct image_head *head, struct err *err)
{
    const unsigned char *kept = head->kept;
    if (big_32(kept) != 13 || memcmp(kept + 4, "IHDR", 4) != 0) {
        return refuse(head, ERR_INVALID_IMAGE, "the PNG does not begin with IHDR", err);
    }
    if (png_checksum(kept + 4, 17) != big_32(kept + 21)) {
        return refuse(head, ERR_INVALID_IMAGE, "the checksum of the PNG's IHDR is wrong", err);
    }
    return settle(head, big_32(kept + 8), big_32(kept + 12), err);
}

static int do_webp_chunk(struct image_head *head, struct err *err)
{
    static const struct {
        char name[5];
        uint32_t least_bytes;
        int step;
    } chunks[] = {{"VP8 ", 10, STEP_WEBP_VP8}, {"VP8L", 5, STEP_WEBP_VP8L}, {"VP8X", 10, STEP_WEBP_VP8X}};
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        if (memcmp(head->kept, chunks[i].name, 4) == 0) {
            if (little_32(head->kept + 4) < chunks[i].least_bytes) {
                return refuse(head, ERR_INVALID_IMAGE, "the WebP's first chunk is too short", err);
            }
            return chunks[i].step;
        }
    }
    return refuse(head, ERR_INVALID_IMAGE, "the WebP's first chunk is unknown", err);
}

/* RFC 6386 9.1: a key frame's tag, its start code, 14 bits of width and height with 2 bits of scale */
static int do_webp_vp8(struct image_head *head, struct err *err)
{
    static const unsigned char start_code[] = {0x9d, 0x01, 0x2a};
    const unsigned char *kept = head->kept;
    if ((kept[0] & 1) != 0 || memcmp(kept + 3, start_code, sizeof start_code) != 0) {
        return refuse(head, ERR_INVALID_IMAGE, "the WebP holds no VP8 key frame", err);
    }
    return settle(head, little_16(kept + 6) & 0x3fff, little_16(kept + 8) & 0x3fff, err);
}

/* RFC 9649 3.3: a signature byte, 14 bits each of width and height less one, alpha, 3 bits of version */
static int do_webp_vp8l(struct image_head *head, struct err *err)
{
    uint32_t bits = little_32(head->kept + 1);
    if (head->kept[0] != 0x2f || bits >> 29 != 0) {
        return refuse(head, ERR_INVALID_IMAGE, "the WebP's lossless stream has a wrong signature", err);
    }
    return settle(head, (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, err);
}

/* RFC 9649 2.7: flags, 24 bits reserved, 24 bits each of width and height less one */
static int do_webp_vp8x(struct image_head *head, struct err *err)
{
    return settle(head, little_24(head->kept + 4) + 1, little_24(head->kept + 7) + 1, err);
}

/* wants: how many bytes a step looks at together; the signature is looked at again with each byte */
static const struct {
    size_t wants;
    int (*run)(struct image_head *head, struct err *err);
} steps[STEP_COUNT] = {
    [STEP_SIGNATURE] = {1, do_signature},   [STEP_JPEG_MARK] = {1, do_jpeg_mark},
    [STEP_JPEG_CODE] = {1, do_jpeg_code},   [STEP_JPEG_LENGTH] = {2, do_jpeg_length},
    [STEP_JPEG_FRAME] = {8, do_jpeg_frame}, [STEP_PNG_HEADER] = {PNG_HEADER_BYTES, do_png_header},
    [STEP_WEBP_CHUNK] = {8, do_webp_chunk}, [STEP_WEBP_VP8] = {10, do_webp_vp8},
    [STEP_WEBP_VP8L] = {5, do_webp_vp8l},   [STEP_WEBP_VP8X] = {10, do_webp_vp8x},
};

void image_head_init(struct image_head *head)
{
    *head = (struct image_head){.state = IMAGE_HEAD_MORE, .format = IMAGE_UNKNOWN, .step = STEP_SIGNATURE};
}

enum image_head_state image_head_feed(struct image_head *head, const void *data, size_t bytes,
                                      struct err *err)
{
    const unsigned char *at = data;
    const unsigned char *end = at + bytes;
    while (head->state == IMAGE_HEAD_MORE && at < end) {
        if (head->skip_bytes > 0) {
            size_t there = (size_t)(end - at);
            size_t skipped = head->skip_bytes < there ? (size_t)head->skip_bytes : there;
            head->skip_bytes -= skipped;
            at += skipped;
            continue;
        }
        assert(head->kept_bytes < sizeof head->kept);
        head->kept[head->kept_bytes++] = *at++;
        if (head->kept_bytes < steps[head->step].wants) {
            continue;
        }
        int next = steps[head->step].run(head, err);
        if (next != STEP_SIGNATURE) {
            head->kept_bytes = 0;
        }
        head->step = next;
    }
    return head->state;
}

enum image_head_state image_head_end(struct image_head *head, struct err *err)
{
    if (head->state != IMAGE_HEAD_MORE) {
        return head->state;
    }
    if (head->format != IMAGE_UNKNOWN) {
        refuse(head, ERR_INVALID_IMAGE, "the file ends before its size is known", err);
    } else if (head->kept_bytes > 0) {
        refuse(head, ERR_UNSUPPORTED_FORMAT, "the file ends within its signature", err);
    } else {
        refuse(head, ERR_NO_FILE, "the file is empty", err);
    }
    return head->state;
}
