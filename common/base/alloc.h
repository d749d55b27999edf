// SPDX-License-Identifier: Apache-2.0
/*
 * Allocations of small, fixed size that abort the process when memory is gone: there is nothing sensible to do, and
 * the supervisor and the queue make it harmless. Sizes that come from input use malloc and report an error instead.
 */
#ifndef PIXMILL_BASE_ALLOC_H
#define PIXMILL_BASE_ALLOC_H

#include <stddef.h>

/* count * size zeroed bytes; never NULL; the caller frees with free(). */
void *alloc_zeroed(size_t count, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));

/* A copy of a string; never NULL; the caller frees it with free(). */
char *alloc_string(const char *text) __attribute__((returns_nonnull));

#endif
