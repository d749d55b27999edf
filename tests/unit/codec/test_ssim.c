// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/ssim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SIDE = 33 };

static void draw(unsigned char out[SIDE * SIDE], int noise)
{
    for (int i = 0; i < SIDE * SIDE; i++) {
        int wave = (i % SIDE * 7 + i / SIDE * 5) % 200;
        out[i] = (unsigned char)(wave + (i % 3 - 1) * noise + 20);
    }
}

static void the_same_is_one(void **state)
{
    (void)state;
    unsigned char a[SIDE * SIDE];
    draw(a, 0);
    assert_true(ssim_of_luma(a, a, SIDE, SIDE) > 0.999999);
    assert_true(ssim_of_luma(a, a, 1, 1) > 0.999999);
    assert_true(ssim_of_luma(a, a, SIDE * SIDE, 1) > 0.999999);
}

static void more_noise_is_less_alike(void **state)
{
    (void)state;
    unsigned char a[SIDE * SIDE];
    unsigned char b[SIDE * SIDE];
    double before = 1;
    draw(a, 0);
    for (int noise = 2; noise <= 16; noise *= 2) {
        draw(b, noise);
        double found = ssim_of_luma(a, b, SIDE, SIDE);
        assert_true(found < before && found > 0);
        before = found;
    }
    assert_true(before < 0.99);
}

/* Worked out by hand from the paper's formula. */
static void flat_pictures_differ_by_their_means(void **state)
{
    (void)state;
    unsigned char a[64];
    unsigned char b[64];
    memset(a, 100, sizeof a);
    memset(b, 150, sizeof b);
    double wanted = (2.0 * 100 * 150 + 6.5025) / (100.0 * 100 + 150 * 150 + 6.5025);
    double found = ssim_of_luma(a, b, 8, 8);
    assert_true(found > wanted - 1e-9 && found < wanted + 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_one),
        cmocka_unit_test(more_noise_is_less_alike),
        cmocka_unit_test(flat_pictures_differ_by_their_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
