// SPDX-License-Identifier: Apache-2.0
#include "common/base/digest.h"
#include "common/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* FIPS 180-4's own examples (NIST, SHA-256) */
static const char of_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void known_digests(void **state)
{
    unsigned char digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_BYTES];
    (void)state;
    digest_of("abc", 3, digest);
    text_hex(digest, sizeof digest, hex);
    assert_string_equal(hex, of_abc);
    digest_of(NULL, 0, digest);
    text_hex(digest, sizeof digest, hex);
    assert_string_equal(hex, of_nothing);
}

static void pieces_make_the_same(void **state)
{
    unsigned char digest[DIGEST_BYTES];
    unsigned char whole[DIGEST_BYTES];
    struct digest *pieces = digest_new();
    (void)state;
    digest_add(pieces, "a", 1);
    digest_add(pieces, "", 0);
    digest_add(pieces, "bc", 2);
    digest_finish(pieces, digest);
    digest_of("abc", 3, whole);
    assert_true(digest_equal(digest, whole));
    whole[DIGEST_BYTES - 1] ^= 1;
    assert_false(digest_equal(digest, whole));
    digest_free(digest_new());
    digest_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_digests),
        cmocka_unit_test(pieces_make_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
