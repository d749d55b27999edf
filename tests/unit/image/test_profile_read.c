// SPDX-License-Identifier: Apache-2.0
#include "common/image/profile_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int read_text(const char *text, struct profile *profile, struct err *err)
{
    return profile_read(text, strlen(text), profile, err);
}

#define ONE(fields) "{\"name\": \"p\", \"variants\": [{\"name\": \"v\", \"format\": \"webp\"" fields "}]}"

static void expect_refusal(const char *text, const char *start)
{
    struct profile untouched;
    struct profile profile;
    struct err err = {.code = ERR_NONE};
    memset(&untouched, 0x5a, sizeof untouched);
    memset(&profile, 0x5a, sizeof profile);
    assert_int_equal(read_text(text, &profile, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    if (strncmp(err.sentence, start, strlen(start)) != 0) {
        fail_msg("%s: %s", text, err.sentence);
    }
    assert_memory_equal(&profile, &untouched, sizeof profile);
}

static void the_built_in_profile_can_be_written_down(void **state)
{
    (void)state;
    static const char text[] =
        "{\"name\": \"default-1\", \"busy_seconds\": 60, \"variants\": ["
        "{\"name\": \"webp\", \"fit\": \"inside\", \"format\": \"webp\", \"quality\": 85, \"effort\": 4},"
        "{\"name\": \"thumbnail\", \"width\": 200, \"height\": 200, \"format\": \"jpeg\", \"quality\": 85},"
        "{\"name\": \"medium\", \"width\": 800, \"height\": 800, \"format\": \"jpeg\", \"quality\": 90,"
        " \"background\": \"#FFffff\", \"skip_if_larger\": false, \"min_ssim\": 0}]}";
    struct profile profile;
    struct err err = {.sentence = ""};
    assert_int_equal(read_text(text, &profile, &err), 0);
    const struct profile *built_in = profile_default();
    assert_string_equal(profile.identity, built_in->identity);
    assert_int_equal(profile.count, built_in->count);
    for (size_t i = 0; i < profile.count; i++) {
        assert_memory_equal(&profile.variants[i], &built_in->variants[i], sizeof profile.variants[i]);
    }
}

static void every_field_arrives(void **state)
{
    (void)state;
    struct profile profile;
    struct err err = {.sentence = ""};
    assert_int_equal(
        read_text(
            "{\"name\": \"shop_2\", \"busy_seconds\": 7, \"variants\": [{\"name\": \"hero-1\", \"fit\": "
            "\"cover\", \"width\": 16383, \"height\": 1, \"format\": \"webp\", \"quality\": 1, "
            "\"effort\": 6, \"effort_busy\": 0, \"background\": \"#0a141E\", \"skip_if_larger\": true, "
            "\"min_ssim\": 0.985}, {\"name\": \"cut\", \"format\": \"png\", \"background\": null}]}",
            &profile, &err),
        0);
    const struct profile_variant *variant = &profile.variants[0];
    assert_string_equal(profile.name, "shop_2");
    assert_int_equal(profile.busy_seconds, 7);
    assert_int_equal(profile.count, 2);
    assert_string_equal(variant->name, "hero-1");
    assert_string_equal(variant->folder, "hero-1");
    assert_int_equal(variant->fit, PROFILE_COVER);
    assert_int_equal(variant->width_px, 16383);
    assert_int_equal(variant->height_px, 1);
    assert_int_equal(variant->format, IMAGE_WEBP);
    assert_int_equal(variant->quality, 1);
    assert_int_equal(variant->effort, 6);
    assert_int_equal(variant->effort_busy, 0);
    assert_false(variant->keeps_alpha);
    assert_memory_equal(variant->background, "\x0a\x14\x1e", 3);
    assert_true(variant->skip_if_larger);
    assert_int_equal(variant->min_ssim, 985);
    assert_true(profile.variants[1].keeps_alpha);
    assert_true(profile_variant_is_full_size(&profile.variants[1]));
    assert_int_equal(profile.variants[1].quality, 85);
}

static void what_is_not_told_has_a_preset(void **state)
{
    (void)state;
    struct profile profile;
    struct err err = {.sentence = ""};
    assert_int_equal(read_text(ONE(""), &profile, &err), 0);
    assert_int_equal(profile.busy_seconds, 60);
    assert_int_equal(profile.variants[0].quality, 85);
    assert_int_equal(profile.variants[0].effort, 4);
    assert_int_equal(profile.variants[0].effort_busy, 2);
    assert_memory_equal(profile.variants[0].background, "\xff\xff\xff", 3);
    assert_int_equal(read_text(ONE(", \"effort\": 1"), &profile, &err), 0);
    assert_int_equal(profile.variants[0].effort_busy, 1);
}

/* They agree in the first 32 bits of their digests: such a pair is found in a second, by who wants another's images made by it. */
static void no_two_profiles_are_made_to_have_one_identity(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"name\": \"p\", \"busy_seconds\": 13334, \"variants\": "
                                        "[{\"name\": \"v\", \"format\": \"webp\", \"quality\": 80}]}",
                                        "{\"name\": \"p\", \"busy_seconds\": 19619, \"variants\": "
                                        "[{\"name\": \"v\", \"format\": \"webp\", \"quality\": 80}]}"};
    struct profile profiles[2];
    struct err err = {.sentence = ""};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read_text(texts[i], &profiles[i], &err), 0);
        assert_memory_equal(profiles[i].identity, "p-51ca2a10", strlen("p-51ca2a10"));
    }
    assert_string_not_equal(profiles[0].identity, profiles[1].identity);
}

static void the_identity_changes_with_the_content(void **state)
{
    (void)state;
    static const char *const fields[] = {"",
                                         ", \"width\": 5",
                                         ", \"height\": 5",
                                         ", \"quality\": 84",
                                         ", \"effort\": 5",
                                         ", \"effort_busy\": 3",
                                         ", \"background\": null",
                                         ", \"background\": \"#fffffe\"",
                                         ", \"skip_if_larger\": true",
                                         ", \"min_ssim\": 0.5",
                                         ", \"fit\": \"cover\", \"width\": 5, \"height\": 5",
                                         ", \"width\": 5, \"height\": 5"};
    enum { COUNT = sizeof fields / sizeof fields[0] };
    char identities[COUNT][PROFILE_IDENTITY_BYTES];
    struct profile profile;
    struct err err = {.sentence = ""};
    for (size_t i = 0; i < COUNT; i++) {
        char text[256];
        snprintf(text, sizeof text, ONE("%s"), fields[i]);
        assert_int_equal(read_text(text, &profile, &err), 0);
        assert_int_equal(strlen(profile.identity), strlen("p-") + 32);
        memcpy(identities[i], profile.identity, sizeof profile.identity);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(identities[i], identities[j]);
        }
    }
    assert_int_equal(read_text(" " ONE(", \"quality\": 85"), &profile, &err), 0);
    assert_string_equal(profile.identity, identities[0]);
}

static const struct {
    const char *text;
    const char *start;
} faults[] = {
    {"", "the profile: no JSON"},
    {"{\"name\": \"p\", \"name\": \"q\"}", "the profile: no JSON"},
    {"[]", "the profile: not an object"},
    {"{}", "name: is missing"},
    {"{\"name\": 5}", "name: not a string"},
    {"{\"name\": \"p\"}", "variants: is missing"},
    {"{\"name\": \"p\", \"variants\": {}}", "variants: not a list"},
    {"{\"name\": \"p\", \"variants\": []}", "variants: not a list"},
    {"{\"name\": \"p\", \"variants\": [1,1,1,1,1,1,1,1,1]}", "variants: not a list"},
    {"{\"name\": \"p\", \"variants\": [1]}", "variants[0].: not an object"},
    {"{\"name\": \"p\", \"busy_seconds\": -1, \"variants\": [1]}", "busy_seconds: "},
    {"{\"name\": \"p\", \"busy_seconds\": 86401, \"variants\": [1]}", "busy_seconds: "},
    {"{\"name\": \"p\", \"sizes\": 1}", "sizes: no such field"},
    {"{\"name\": \"P\"}", "name: not 1 to 23"},
    {"{\"name\": \"\"}", "name: not 1 to 23"},
    {"{\"name\": \"1p\"}", "name: not 1 to 23"},
    {"{\"name\": \"a/../b\"}", "name: not 1 to 23"},
    {"{\"name\": \"a23456789012345678901234\"}", "name: not 1 to 23"},
    {ONE(", \"widht\": 5"), "variants[0].widht: no such field"},
    {ONE(", \"\\u0007\\u00e9\": 5"), "variants[0].???: no such field"},
    {ONE(", \"width\": 0"), "variants[0].width: not a whole number"},
    {ONE(", \"height\": 16384"), "variants[0].height: not a whole number"},
    {ONE(", \"width\": 5.0"), "variants[0].width: not a whole number"},
    {ONE(", \"width\": \"5\""), "variants[0].width: not a whole number"},
    {ONE(", \"fit\": \"outside\""), "variants[0].fit: "},
    {ONE(", \"fit\": null"), "variants[0].fit: "},
    {ONE(", \"fit\": \"cover\""), "variants[0].width: is missing"},
    {ONE(", \"fit\": \"cover\", \"width\": 5"), "variants[0].height: is missing"},
    {ONE(", \"quality\": 0"), "variants[0].quality: "},
    {ONE(", \"quality\": 101"), "variants[0].quality: "},
    {ONE(", \"effort\": 7"), "variants[0].effort: "},
    {ONE(", \"effort_busy\": 5"), "variants[0].effort_busy: not a whole number from 0 to 4"},
    {ONE(", \"background\": \"white\""), "variants[0].background: "},
    {ONE(", \"background\": \"#fff\""), "variants[0].background: "},
    {ONE(", \"background\": \"#gggggg\""), "variants[0].background: "},
    {ONE(", \"background\": false"), "variants[0].background: "},
    {ONE(", \"skip_if_larger\": 1"), "variants[0].skip_if_larger: "},
    {ONE(", \"min_ssim\": 1.01"), "variants[0].min_ssim: "},
    {ONE(", \"min_ssim\": true"), "variants[0].min_ssim: "},
    {"{\"name\": \"p\", \"variants\": [{\"name\": \"v\"}]}", "variants[0].format: is missing"},
    {"{\"name\": \"p\", \"variants\": [{\"name\": \"v\", \"format\": \"gif\"}]}", "variants[0].format: not"},
    {"{\"name\": \"p\", \"variants\": [{\"name\": \"v\", \"format\": \"avif\"}]}",
     "variants[0].format: avif"},
    {"{\"name\": \"p\", \"variants\": [{\"name\": \"v\", \"format\": \"unknown\"}]}", "variants[0].format: "},
    {"{\"name\": \"p\", \"variants\": [{\"name\": \"v\", \"format\": \"jpeg\", \"background\": null}]}",
     "variants[0].background: null"},
    {"{\"name\": \"p\", \"variants\": [{\"name\": \"v\", \"format\": \"jpeg\", \"effort\": 4}]}",
     "variants[0].effort: only WebP"},
    {"{\"name\": \"p\", \"variants\": [{\"name\": \"v\", \"format\": \"png\", \"min_ssim\": 0.9}]}",
     "variants[0].min_ssim: PNG"},
    {"{\"name\": \"p\", \"variants\": [{\"name\": \"v\", \"format\": \"png\"}, {\"name\": \"v\", "
     "\"format\": "
     "\"webp\"}]}",
     "variants[1].name: another"},
    {"{\"name\": \"p\", \"variants\": [{\"name\": \"thumbnail\", \"format\": \"png\"}, {\"name\": "
     "\"thumbnails\", \"format\": \"png\"}]}",
     "variants[1].name: another"},
};

static void faults_name_the_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        expect_refusal(faults[i].text, faults[i].start);
    }
}

static void a_file_beyond_the_limit_is_not_read(void **state)
{
    (void)state;
    struct profile profile;
    struct err err = {.code = ERR_NONE};
    char *text = calloc(1, PROFILE_READ_MOST_BYTES + 1);
    assert_non_null(text);
    memset(text, ' ', PROFILE_READ_MOST_BYTES + 1);
    memcpy(text, ONE(""), strlen(ONE("")));
    assert_int_equal(profile_read(text, PROFILE_READ_MOST_BYTES, &profile, &err), 0);
    assert_int_equal(profile_read(text, PROFILE_READ_MOST_BYTES + 1, &profile, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    free(text);
}

static void only_webps_of_two_efforts_hurry(void **state)
{
    (void)state;
    struct profile profile;
    struct profile other;
    struct err err;
    assert_true(profile_hurry(profile_default(), &other));
    assert_int_equal(other.count, 3);
    assert_int_equal(other.variants[2].effort, 2);
    profile_refine(profile_default(), &other);
    assert_int_equal(other.count, 1);
    assert_string_equal(other.variants[0].name, "webp");
    assert_int_equal(other.variants[0].effort, 4);
    assert_int_equal(read_text(ONE(", \"effort\": 3, \"effort_busy\": 3"), &profile, &err), 0);
    assert_false(profile_hurry(&profile, &other));
    profile_refine(&profile, &other);
    assert_int_equal(other.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_built_in_profile_can_be_written_down),
        cmocka_unit_test(every_field_arrives),
        cmocka_unit_test(what_is_not_told_has_a_preset),
        cmocka_unit_test(no_two_profiles_are_made_to_have_one_identity),
        cmocka_unit_test(the_identity_changes_with_the_content),
        cmocka_unit_test(faults_name_the_field),
        cmocka_unit_test(only_webps_of_two_efforts_hurry),
        cmocka_unit_test(a_file_beyond_the_limit_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
