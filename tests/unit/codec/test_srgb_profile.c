// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/srgb_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lcms2.h>

static const cmsCIExyY d65 = {0.3127, 0.3290, 1};

static bool matches(cmsHPROFILE profile)
{
    cmsUInt32Number bytes = 0;
    assert_non_null(profile);
    assert_true(cmsSaveProfileToMem(profile, NULL, &bytes));
    unsigned char *icc = malloc(bytes);
    assert_non_null(icc);
    assert_true(cmsSaveProfileToMem(profile, icc, &bytes));
    bool is_match = srgb_profile_matches(icc, bytes);
    cmsCloseProfile(profile);
    free(icc);
    return is_match;
}

static cmsHPROFILE rgb(double red_x, double green_x, double green_y, double gamma)
{
    cmsCIExyYTRIPLE primaries = {{red_x, 0.33, 1}, {green_x, green_y, 1}, {0.15, 0.06, 1}};
    cmsToneCurve *curve = cmsBuildGamma(NULL, gamma);
    cmsToneCurve *curves[3] = {curve, curve, curve};
    cmsHPROFILE profile = cmsCreateRGBProfile(&d65, &primaries, curves);
    cmsFreeToneCurve(curve);
    return profile;
}

static void srgb_is_srgb(void **state)
{
    (void)state;
    assert_true(matches(cmsCreate_sRGBProfile()));
}

static void other_spaces_are_not(void **state)
{
    (void)state;
    assert_false(matches(rgb(0.64, 0.21, 0.71, 2.2)));  /* Adobe RGB (1998) */
    assert_false(matches(rgb(0.68, 0.265, 0.69, 2.2))); /* Display P3's primaries */
    assert_false(matches(rgb(0.64, 0.30, 0.60, 1.8)));  /* sRGB's primaries, another curve */
}

static void other_kinds_are_not(void **state)
{
    (void)state;
    cmsToneCurve *curve = cmsBuildGamma(NULL, 2.2);
    assert_false(matches(cmsCreateGrayProfile(&d65, curve)));
    cmsFreeToneCurve(curve);
    assert_false(matches(cmsCreateLab4Profile(NULL)));
}

static void what_is_broken_is_not(void **state)
{
    (void)state;
    unsigned char nothing[200] = "not a profile";
    assert_false(srgb_profile_matches(nothing, sizeof nothing));
    assert_false(srgb_profile_matches(nothing, 0));
    cmsHPROFILE profile = cmsCreate_sRGBProfile();
    cmsUInt32Number bytes = 0;
    assert_true(cmsSaveProfileToMem(profile, NULL, &bytes));
    unsigned char *icc = malloc(bytes);
    assert_non_null(icc);
    assert_true(cmsSaveProfileToMem(profile, icc, &bytes));
    for (cmsUInt32Number cut = 0; cut < bytes / 2; cut += 16) {
        assert_false(srgb_profile_matches(icc, cut));
    }
    cmsCloseProfile(profile);
    free(icc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(srgb_is_srgb),
        cmocka_unit_test(other_spaces_are_not),
        cmocka_unit_test(other_kinds_are_not),
        cmocka_unit_test(what_is_broken_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
