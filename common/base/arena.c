// SPDX-License-Identifier: Apache-2.0
/*
 * Blocks in a chain, the newest first; a piece is cut from the newest block, or gets a block of its own where it is
 * large. Under AddressSanitizer every piece has a block of its own, so that an overrun is seen.
 */
#include "common/base/arena.h"
#include "common/base/alloc.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>

#ifdef __SANITIZE_ADDRESS__
enum { BLOCK_BYTES = 0 };
#else
enum { BLOCK_BYTES = 4000 };
#endif

struct block {
    struct block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *newest;
};

struct arena *arena_new(void)
{
    return alloc_zeroed(1, sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (struct block *block = arena->newest, *next = NULL; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    size_t align = alignof(max_align_t);
    size_t rounded = (bytes + align - 1) & ~(align - 1);
    if (rounded < bytes) {
        abort();
    }
    struct block *block = arena->newest;
    if (block == NULL || block->size - block->used < rounded) {
        size_t size = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;
        struct block *fresh = alloc_zeroed(1, sizeof *fresh + size);
        fresh->size = size;
        if (block != NULL && rounded > BLOCK_BYTES / 4) {
            /* a large piece goes behind the newest block, whose free rest stays in use */
            fresh->next = block->next;
            block->next = fresh;
        } else {
            fresh->next = block;
            arena->newest = fresh;
        }
        block = fresh;
    }
    void *piece = block->bytes + block->used;
    block->used += rounded;
    return piece;
}

char *arena_copy(struct arena *arena, const void *data, size_t bytes)
{
    char *piece = arena_alloc(arena, bytes + 1);
    if (bytes > 0) {
        memcpy(piece, data, bytes);
    }
    return piece;
}

char *arena_string(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_copy(arena, text, strlen(text));
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        abort();
    }
    char *piece = arena_alloc(arena, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(piece, (size_t)length + 1, format, args);
    va_end(args);
    return piece;
}
