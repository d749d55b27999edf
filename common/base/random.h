// SPDX-License-Identifier: Apache-2.0
/*
 * Random bytes of the kernel, and what is made of them.
 */
#ifndef PIXMILL_BASE_RANDOM_H
#define PIXMILL_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { RANDOM_UUID_BYTES = 37 };

/* Fills out with random bytes (getrandom(2)); aborts where the kernel has none. */
void random_bytes(void *out, size_t bytes);

/* A number in 0..bound-1, each as likely as the others; bound > 0. */
uint64_t random_below(uint64_t bound);

/* Writes a version 4 UUID (RFC 9562, 5.4) in lower case. */
void random_uuid(char out[RANDOM_UUID_BYTES]);

#endif
