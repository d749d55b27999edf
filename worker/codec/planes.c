// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/planes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t in_blocks(int side_px)
{
    return ((size_t)side_px + PLANE_BLOCK_PX - 1) / PLANE_BLOCK_PX * PLANE_BLOCK_PX;
}

int plane_init(struct plane *plane, int width_px, int height_px, struct err *err)
{
    size_t stride = in_blocks(width_px);
    unsigned char *pixels = malloc(stride * in_blocks(height_px));
    if (pixels == NULL) {
        return err_set(err, ERR_OUT_OF_MEMORY, "no memory for %d x %d samples", width_px, height_px);
    }
    *plane = (struct plane){.pixels = pixels, .width_px = width_px, .height_px = height_px, .stride = stride};
    return 0;
}

void plane_release(struct plane *plane)
{
    free(plane->pixels);
    *plane = (struct plane){.pixels = NULL};
}

int planes_init(struct planes *planes, int width_px, int height_px, struct err *err)
{
    struct planes made = {.range = PLANES_FULL};
    int half_width = (width_px + 1) / 2;
    int half_height = (height_px + 1) / 2;
    if (plane_init(&made.plane[PLANES_Y], width_px, height_px, err) != 0 ||
        plane_init(&made.plane[PLANES_CB], half_width, half_height, err) != 0 ||
        plane_init(&made.plane[PLANES_CR], half_width, half_height, err) != 0) {
        planes_release(&made);
        return -1;
    }
    *planes = made;
    return 0;
}

void planes_release(struct planes *planes)
{
    for (int i = 0; i < PLANES_COUNT; i++) {
        plane_release(&planes->plane[i]);
    }
}

void planes_move(struct planes *from, struct planes *to)
{
    *to = *from;
    *from = (struct planes){.range = PLANES_FULL};
}

/* round(a / 255) for every a up to 65,407, by shifts: division has no vector form. */
static inline uint16_t by_255(unsigned a)
{
    uint16_t sum = (uint16_t)(a + 128);
    return (uint16_t)((uint16_t)(sum + (sum >> 8)) >> 8);
}

static void luma_to_studio(unsigned char *row, size_t count)
{
    for (size_t x = 0; x < count; x++) {
        row[x] = (unsigned char)(16 + by_255(row[x] * 219U));
    }
}

/* 128 + (c - 128) * 224 / 255, with the constant part of it brought over the fraction */
static void chroma_to_studio(unsigned char *row, size_t count)
{
    for (size_t x = 0; x < count; x++) {
        row[x] = (unsigned char)by_255(row[x] * 224U + 128U * (255 - 224));
    }
}

/*
 * zero + (level - low) * 255 / span, by a factor of 16 bits of fraction: the nearest level is never so near a half that the
 * factor's own rounding matters.
 */
static void widen_levels(unsigned char *row, size_t count, int low, int span, int zero)
{
    const int32_t factor = (255 * 65536 + span / 2) / span;
    const int32_t constant = (zero << 16) + (1 << 15) - low * factor;
    for (size_t x = 0; x < count; x++) {
        int32_t level = (row[x] * factor + constant) >> 16;
        level = level < 0 ? 0 : level;
        row[x] = (unsigned char)(level > 255 ? 255 : level);
    }
}

static void luma_to_full(unsigned char *row, size_t count)
{
    widen_levels(row, count, 16, 219, 0);
}

static void chroma_to_full(unsigned char *row, size_t count)
{
    widen_levels(row, count, 128, 224, 128);
}

static void for_each_row(const struct planes *planes, void (*luma)(unsigned char *row, size_t count),
                         void (*chroma)(unsigned char *row, size_t count))
{
    for (int i = 0; i < PLANES_COUNT; i++) {
        const struct plane *plane = &planes->plane[i];
        for (int y = 0; y < plane->height_px; y++) {
            (i == PLANES_Y ? luma : chroma)(plane_row(plane, y), (size_t)plane->width_px);
        }
    }
}

void planes_to_studio(struct planes *planes)
{
    if (planes->range == PLANES_FULL) {
        for_each_row(planes, luma_to_studio, chroma_to_studio);
        planes->range = PLANES_STUDIO;
    }
}

void planes_to_full(struct planes *planes)
{
    if (planes->range == PLANES_STUDIO) {
        for_each_row(planes, luma_to_full, chroma_to_full);
        planes->range = PLANES_FULL;
    }
}

int planes_copy(const struct planes *in, struct planes *out, struct err *err)
{
    const struct plane *luma = &in->plane[PLANES_Y];
    if (planes_init(out, luma->width_px, luma->height_px, err) != 0) {
        return -1;
    }
    out->range = in->range;
    for (int i = 0; i < PLANES_COUNT; i++) {
        const struct plane *plane = &in->plane[i];
        for (int y = 0; y < plane->height_px; y++) {
            memcpy(plane_row(&out->plane[i], y), plane_row(plane, y), (size_t)plane->width_px);
        }
    }
    return 0;
}

void planes_pad(struct planes *planes)
{
    for (int i = 0; i < PLANES_COUNT; i++) {
        const struct plane *plane = &planes->plane[i];
        size_t width = (size_t)plane->width_px;
        for (int y = 0; y < plane->height_px; y++) {
            unsigned char *row = plane_row(plane, y);
            memset(row + width, row[width - 1], plane->stride - width);
        }
        for (size_t y = (size_t)plane->height_px; y < in_blocks(plane->height_px); y++) {
            memcpy(plane->pixels + y * plane->stride, plane_row(plane, plane->height_px - 1), plane->stride);
        }
    }
}
