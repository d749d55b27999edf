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
    struct planes made = {{{.pixels = NULL}}};
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
    *from = (struct planes){{{.pixels = NULL}}};
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

void planes_to_studio(struct planes *planes)
{
    for (int i = 0; i < PLANES_COUNT; i++) {
        const struct plane *plane = &planes->plane[i];
        for (int y = 0; y < plane->height_px; y++) {
            if (i == PLANES_Y) {
                luma_to_studio(plane_row(plane, y), (size_t)plane->width_px);
            } else {
                chroma_to_studio(plane_row(plane, y), (size_t)plane->width_px);
            }
        }
    }
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
