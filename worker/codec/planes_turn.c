// SPDX-License-Identifier: Apache-2.0
/*
 * The eight orientations of EXIF are a mirroring of columns, one of rows, and a change of rows into columns after them, each done
 * or not. Samples go eight by eight through 64-bit words: a byte at a time, the columns would cost more than the whole decoding.
 */
#include "worker/codec/planes.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum { WORD_PX = 8 };

struct turn {
    bool mirrors_x; /* the stored columns, from right to left */
    bool mirrors_y; /* the stored rows, from bottom to top */
    bool transposes;
};

/* EXIF 2.32, tag Orientation: where the stored row 0 and column 0 are */
static const struct turn turns[9] = {
    [2] = {true, false, false}, [3] = {true, true, false}, [4] = {false, true, false},
    [5] = {false, false, true}, [6] = {false, true, true}, [7] = {true, true, true},
    [8] = {true, false, true},
};

bool planes_may_turn(int width_px, int height_px, int orientation)
{
    const struct turn *turn = &turns[orientation];
    return !(turn->mirrors_x && width_px % 2 != 0) && !(turn->mirrors_y && height_px % 2 != 0);
}

static uint64_t load(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

static void store(unsigned char *at, uint64_t word)
{
    word = htole64(word);
    memcpy(at, &word, sizeof word);
}

static void mirror_row(const unsigned char *in, unsigned char *out, int count)
{
    int x = 0;
    for (; x + WORD_PX <= count; x += WORD_PX) {
        store(out + count - WORD_PX - x, __builtin_bswap64(load(in + x)));
    }
    for (; x < count; x++) {
        out[count - 1 - x] = in[x];
    }
}

static void mirror(const struct plane *in, const struct plane *out, const struct turn *turn)
{
    for (int y = 0; y < in->height_px; y++) {
        unsigned char *row = plane_row(out, turn->mirrors_y ? in->height_px - 1 - y : y);
        if (turn->mirrors_x) {
            mirror_row(plane_row(in, y), row, in->width_px);
        } else {
            memcpy(row, plane_row(in, y), (size_t)in->width_px);
        }
    }
}

/* Swaps the bits of `a` that `mask` names, moved up by shift, with those of `b`. */
static void exchange(uint64_t *a, uint64_t *b, unsigned shift, uint64_t mask)
{
    uint64_t change = ((*a >> shift) ^ *b) & mask;
    *b ^= change;
    *a ^= change << shift;
}

/* Rows into columns, for eight words of eight bytes: halves, then quarters, then eighths change places over the diagonal. */
static void transpose_words(uint64_t word[WORD_PX])
{
    for (int i = 0; i < 4; i++) {
        exchange(&word[i], &word[i + 4], 32, 0x00000000ffffffffU);
    }
    for (int i = 0; i < WORD_PX; i += i % 2 == 0 ? 1 : 3) {
        exchange(&word[i], &word[i + 2], 16, 0x0000ffff0000ffffU);
    }
    for (int i = 0; i < WORD_PX; i += 2) {
        exchange(&word[i], &word[i + 1], 8, 0x00ff00ff00ff00ffU);
    }
}

/* Where the sample of a stored row and column goes. */
static unsigned char *place(const struct plane *in, const struct plane *out, const struct turn *turn, int x,
                            int y)
{
    int row = turn->mirrors_x ? in->width_px - 1 - x : x;
    int column = turn->mirrors_y ? in->height_px - 1 - y : y;
    return plane_row(out, row) + column;
}

static void transpose_block(const struct plane *in, const struct plane *out, const struct turn *turn, int x,
                            int y)
{
    uint64_t word[WORD_PX];
    for (int i = 0; i < WORD_PX; i++) {
        word[i] = load(plane_row(in, turn->mirrors_y ? y + WORD_PX - 1 - i : y + i) + x);
    }
    transpose_words(word);
    for (int i = 0; i < WORD_PX; i++) {
        store(place(in, out, turn, x + i, turn->mirrors_y ? y + WORD_PX - 1 : y), word[i]);
    }
}

static void transpose_one_by_one(const struct plane *in, const struct plane *out, const struct turn *turn,
                                 int x, int y)
{
    int right = x + WORD_PX < in->width_px ? x + WORD_PX : in->width_px;
    int bottom = y + WORD_PX < in->height_px ? y + WORD_PX : in->height_px;
    for (int row = y; row < bottom; row++) {
        for (int column = x; column < right; column++) {
            *place(in, out, turn, column, row) = plane_row(in, row)[column];
        }
    }
}

/* Down the columns of blocks, so that what is written stays in one stripe of rows. */
static void transpose(const struct plane *in, const struct plane *out, const struct turn *turn)
{
    for (int x = 0; x < in->width_px; x += WORD_PX) {
        for (int y = 0; y < in->height_px; y += WORD_PX) {
            if (x + WORD_PX <= in->width_px && y + WORD_PX <= in->height_px) {
                transpose_block(in, out, turn, x, y);
            } else {
                transpose_one_by_one(in, out, turn, x, y);
            }
        }
    }
}

static int turn_plane(struct plane *plane, const struct turn *turn, struct err *err)
{
    struct plane out;
    int width_px = turn->transposes ? plane->height_px : plane->width_px;
    int height_px = turn->transposes ? plane->width_px : plane->height_px;
    if (plane_init(&out, width_px, height_px, err) != 0) {
        return -1;
    }
    if (turn->transposes) {
        transpose(plane, &out, turn);
    } else {
        mirror(plane, &out, turn);
    }
    plane_release(plane);
    *plane = out;
    return 0;
}

int planes_turn(struct planes *planes, int orientation, struct err *err)
{
    for (int i = 0; i < PLANES_COUNT && orientation > 1; i++) {
        if (turn_plane(&planes->plane[i], &turns[orientation], err) != 0) {
            return -1;
        }
    }
    return 0;
}
