// SPDX-License-Identifier: Apache-2.0
#include "common/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* libcrypto fails here only for want of memory */
static void must(int result)
{
    if (result != 1) {
        abort();
    }
}

static EVP_MD_CTX *context_of(struct digest *digest)
{
    return (EVP_MD_CTX *)digest;
}

struct digest *digest_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context != NULL);
    must(EVP_DigestInit_ex(context, EVP_sha256(), NULL));
    return (struct digest *)context;
}

void digest_add(struct digest *digest, const void *data, size_t bytes)
{
    must(EVP_DigestUpdate(context_of(digest), data, bytes));
}

void digest_finish(struct digest *digest, unsigned char out[DIGEST_BYTES])
{
    must(EVP_DigestFinal_ex(context_of(digest), out, NULL));
    digest_free(digest);
}

void digest_free(struct digest *digest)
{
    EVP_MD_CTX_free(context_of(digest));
}

void digest_of(const void *data, size_t bytes, unsigned char out[DIGEST_BYTES])
{
    struct digest *digest = digest_new();
    digest_add(digest, data, bytes);
    digest_finish(digest, out);
}

bool digest_equal(const unsigned char a[DIGEST_BYTES], const unsigned char b[DIGEST_BYTES])
{
    return CRYPTO_memcmp(a, b, DIGEST_BYTES) == 0;
}
