// SPDX-License-Identifier: Apache-2.0
/*
 * SHA-256 (FIPS 180-4) over libcrypto, in pieces or at once, and a comparison that takes the same time whatever differs.
 */
#ifndef PIXMILL_BASE_DIGEST_H
#define PIXMILL_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { DIGEST_BYTES = 32, DIGEST_HEX_BYTES = 2 * DIGEST_BYTES + 1 };

struct digest;

/* A digest of nothing so far. Never NULL. Ended by digest_finish or digest_free. */
struct digest *digest_new(void);

/* Adds bytes to what is digested. */
void digest_add(struct digest *digest, const void *data, size_t bytes);

/* Writes the digest to out and frees it. */
void digest_finish(struct digest *digest, unsigned char out[DIGEST_BYTES]);

/* Frees a digest that is not wanted any more. NULL is allowed. */
void digest_free(struct digest *digest);

/* The digest of bytes that are all there. */
void digest_of(const void *data, size_t bytes, unsigned char out[DIGEST_BYTES]);

/* True where two digests are equal; constant time. */
bool digest_equal(const unsigned char a[DIGEST_BYTES], const unsigned char b[DIGEST_BYTES]);

#endif
