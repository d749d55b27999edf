// SPDX-License-Identifier: Apache-2.0
/*
 * An arena: memory of one request or one job, given piece by piece and freed as a whole.
 *
 * Owned by whoever called arena_new; not for more than one thread at a time. Pieces are aligned for any type and are
 * never freed alone. Out of memory aborts the process (the supervisor starts it anew, the job comes again), so sizes that
 * come from input are limited by the caller first.
 */
#ifndef PIXMILL_BASE_ARENA_H
#define PIXMILL_BASE_ARENA_H

#include <stddef.h>

struct arena;

/* An empty arena. Never NULL. The caller frees it with arena_free. */
struct arena *arena_new(void);

/* Frees the arena and every piece of it. NULL is allowed. */
void arena_free(struct arena *arena);

/* A piece of `bytes` zeroed bytes. Never NULL. */
void *arena_alloc(struct arena *arena, size_t bytes) __attribute__((malloc, alloc_size(2), returns_nonnull));

/* A copy of `bytes` bytes at data, with a NUL after them. Never NULL. */
char *arena_copy(struct arena *arena, const void *data, size_t bytes) __attribute__((returns_nonnull));

/* A copy of a string; NULL gives NULL. */
char *arena_string(struct arena *arena, const char *text);

/* A formatted string. Never NULL. */
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));

#endif
