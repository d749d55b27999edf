// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/outline.h"

#include <string.h>
#include <zlib.h>

enum {
    JPEG_TEM = 0x01,
    JPEG_RST0 = 0xd0,
    JPEG_RST7 = 0xd7,
    JPEG_EOI = 0xd9,
    JPEG_SOS = 0xda,
    JPEG_APP1 = 0xe1
};

enum { PNG_SIGNATURE_BYTES = 8, PNG_AROUND_BYTES = 12 /* length, name, checksum */, RIFF_HEADER_BYTES = 12 };

static const unsigned char exif_name[] = {'E', 'x', 'i', 'f', 0, 0};

static uint32_t big_16(const unsigned char *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t big_32(const unsigned char *at)
{
    return big_16(at) << 16 | big_16(at + 2);
}

static uint32_t little_32(const unsigned char *at)
{
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

/* Keeps the first EXIF. Some writers put JPEG's name before the TIFF header in the other formats too. */
static void keep_exif(struct outline *outline, const unsigned char *data, size_t bytes)
{
    if (outline->exif != NULL) {
        return;
    }
    if (bytes >= sizeof exif_name && memcmp(data, exif_name, sizeof exif_name) == 0) {
        data += sizeof exif_name;
        bytes -= sizeof exif_name;
    }
    outline->exif = data;
    outline->exif_bytes = bytes;
}

/* The next marker's code at or after *at, which is left behind it; 0 at the file's end. */
static unsigned next_marker(const unsigned char **at, const unsigned char *end)
{
    while (*at < end) {
        const unsigned char *mark = memchr(*at, 0xff, (size_t)(end - *at));
        if (mark == NULL) {
            break;
        }
        for (*at = mark + 1; *at < end && **at == 0xff;) {
            (*at)++;
        }
        unsigned code = *at < end ? *(*at)++ : 0;
        if (code != 0) {
            return code;
        }
    }
    *at = end;
    return 0;
}

/* Entropy-coded data needs no walk of its own: a 0xff in it is followed by 0 or is a restart marker. */
static void read_jpeg(struct outline *outline, const unsigned char *data, size_t bytes)
{
    const unsigned char *at = data + 2;
    const unsigned char *end = data + bytes;
    outline->scans = 0;
    for (;;) {
        unsigned code = next_marker(&at, end);
        if (code == 0) {
            return;
        }
        if (code == JPEG_EOI) {
            outline->is_whole = outline->scans > 0;
            return;
        }
        if (code == JPEG_TEM || (code >= JPEG_RST0 && code <= JPEG_RST7)) {
            continue;
        }
        if (end - at < 2 || big_16(at) < 2 || (size_t)(end - at) < big_16(at)) {
            return;
        }
        size_t length = big_16(at);
        if (code == JPEG_SOS) {
            outline->scans++;
        } else if (code == JPEG_APP1 && length >= 2 + sizeof exif_name &&
                   memcmp(at + 2, exif_name, sizeof exif_name) == 0) {
            keep_exif(outline, at + 2, length - 2);
        }
        at += length;
    }
}

/* A chunk whose first letter is a capital is critical (W3C PNG 5.4); transparency decides pixels as well. */
static bool matters(const unsigned char *name)
{
    return (name[0] & 0x20) == 0 || memcmp(name, "tRNS", 4) == 0;
}

static void read_png(struct outline *outline, const unsigned char *data, size_t bytes)
{
    const unsigned char *at = data + PNG_SIGNATURE_BYTES;
    const unsigned char *end = data + bytes;
    while (end - at >= PNG_AROUND_BYTES) {
        size_t length = big_32(at);
        const unsigned char *name = at + 4;
        if (length > (size_t)(end - at) - PNG_AROUND_BYTES) {
            return;
        }
        if (matters(name) && crc32(0, name, (uInt)length + 4) != big_32(name + 4 + length)) {
            outline->is_sound = false;
        }
        if (memcmp(name, "IEND", 4) == 0) {
            outline->is_whole = true;
            return;
        }
        if (memcmp(name, "acTL", 4) == 0 && length >= 8) {
            outline->frames = big_32(name + 4);
        } else if (memcmp(name, "eXIf", 4) == 0) {
            keep_exif(outline, name + 4, length);
        }
        at += PNG_AROUND_BYTES + length;
    }
}

static void read_webp(struct outline *outline, const unsigned char *data, size_t bytes)
{
    size_t said = (size_t)little_32(data + 4) + 8;
    const unsigned char *at = data + RIFF_HEADER_BYTES;
    const unsigned char *end = data + (said < bytes ? said : bytes);
    int64_t frames = 0;
    outline->is_whole = said <= bytes;
    while (end - at >= 8) {
        /* chunks are padded to an even length (RFC 9649 2.3) */
        size_t length = little_32(at + 4);
        if (length > (size_t)(end - at) - 8) {
            outline->is_whole = false;
            break;
        }
        if (memcmp(at, "ANMF", 4) == 0) {
            frames++;
        } else if (memcmp(at, "EXIF", 4) == 0) {
            keep_exif(outline, at + 8, length);
        }
        size_t step = 8 + length + (length & 1);
        at += step < (size_t)(end - at) ? step : (size_t)(end - at);
    }
    outline->frames = frames > 0 ? frames : 1;
}

void outline_read(struct outline *outline, enum image_format format, const unsigned char *data, size_t bytes)
{
    *outline = (struct outline){.frames = 1, .scans = 1, .is_whole = false, .is_sound = true};
    if (format == IMAGE_JPEG && bytes >= 2) {
        read_jpeg(outline, data, bytes);
    } else if (format == IMAGE_PNG && bytes >= PNG_SIGNATURE_BYTES) {
        read_png(outline, data, bytes);
    } else if (format == IMAGE_WEBP && bytes >= RIFF_HEADER_BYTES) {
        read_webp(outline, data, bytes);
    }
}
