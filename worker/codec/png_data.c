// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/png_data.h"

#include <stdint.h>
#include <zlib.h>

enum {
    SIGNATURE_BYTES = 8,
    AROUND_BYTES = 12 /* length, name, checksum */,
    HEADER_AT = 16,
    HEADER_BYTES = 13,
    ROOM_BYTES = 32768
};

static uint32_t big_32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Bytes of so many rows with a filter byte each; none where there are no pixels. */
static uint64_t bytes_of_rows(uint64_t width, uint64_t height, unsigned bits)
{
    return width == 0 || height == 0 ? 0 : height * (1 + (width * bits + 7) / 8);
}

/* W3C PNG 11.2.1 and 8.2: what the rows of all passes come to. 0 where the header is of no kind that exists. */
static uint64_t announced_bytes(const unsigned char *header)
{
    static const unsigned char samples[7] = {1, 0, 3, 1, 2, 0, 4};
    static const struct {
        unsigned char left, top, across, down;
    } passes[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                  {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    uint64_t width = big_32(header);
    uint64_t height = big_32(header + 4);
    unsigned bits = header[9] < sizeof samples ? header[8] * (unsigned)samples[header[9]] : 0;
    if (bits == 0) {
        return 0;
    }
    if (header[12] == 0) {
        return bytes_of_rows(width, height, bits);
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++) {
        uint64_t columns = (width + passes[i].across - 1 - passes[i].left) / passes[i].across;
        uint64_t rows = (height + passes[i].down - 1 - passes[i].top) / passes[i].down;
        sum += bytes_of_rows(columns, rows, bits);
    }
    return sum;
}

struct inflation {
    z_stream stream;
    uint64_t announced;
    uint64_t made;
    int rc; /* Z_OK while more is wanted */
};

/* Inflates one chunk's bytes. */
static void add(struct inflation *inflation, const unsigned char *data, size_t bytes)
{
    unsigned char room[ROOM_BYTES];
    z_stream *stream = &inflation->stream;
    stream->next_in = data;
    stream->avail_in = (uInt)bytes;
    do {
        stream->next_out = room;
        stream->avail_out = sizeof room;
        inflation->rc = inflate(stream, Z_NO_FLUSH);
        inflation->made += sizeof room - stream->avail_out;
    } while (inflation->rc == Z_OK && inflation->made <= inflation->announced &&
             (stream->avail_in > 0 || stream->avail_out == 0));
    if (inflation->rc == Z_BUF_ERROR) {
        /* no progress without more input, which the next chunk may bring */
        inflation->rc = Z_OK;
    }
}

static void add_chunks(struct inflation *inflation, const unsigned char *data, size_t bytes)
{
    const unsigned char *at = data + SIGNATURE_BYTES;
    const unsigned char *end = data + bytes;
    while (end - at >= AROUND_BYTES && inflation->rc == Z_OK && inflation->made <= inflation->announced) {
        size_t length = big_32(at);
        if (length > (size_t)(end - at) - AROUND_BYTES) {
            return;
        }
        if (at[4] == 'I' && at[5] == 'D' && at[6] == 'A' && at[7] == 'T') {
            add(inflation, at + 8, length);
        }
        at += AROUND_BYTES + length;
    }
}

bool png_data_is_sound(const unsigned char *data, size_t bytes)
{
    if (bytes < HEADER_AT + HEADER_BYTES) {
        return false;
    }
    struct inflation inflation = {.announced = announced_bytes(data + HEADER_AT), .rc = Z_OK};
    if (inflation.announced == 0 || inflateInit(&inflation.stream) != Z_OK) {
        return false;
    }
    add_chunks(&inflation, data, bytes);
    inflateEnd(&inflation.stream);
    return inflation.made > inflation.announced ||
           (inflation.rc == Z_STREAM_END && inflation.made == inflation.announced);
}
