// SPDX-License-Identifier: Apache-2.0
#include "api/handler/media_answer.h"

#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define SHA256 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ETAG   "\"00112233445566778899aabbccddeeff\""
#define DATE   "Sat, 31 Jan 2026 12:00:00 GMT"

/* 2026-01-31T12:00:00.5Z */
static const struct media_file file = {"products/2026/01/31/u.jpg", SHA256, 1000, 1769860800500000};

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static struct media_answer decide(struct arena *arena, struct media_question question)
{
    struct media_answer answer;
    media_decide(arena, &file, &question, &answer);
    assert_string_equal(answer.etag, ETAG);
    assert_string_equal(answer.last_modified, DATE);
    return answer;
}

static void test_nothing_asked_is_the_whole(void **state)
{
    struct media_answer answer = decide(*state, (struct media_question){0});
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.offset, 0);
    assert_int_equal(answer.bytes, 1000);
    assert_null(answer.content_range);
}

static void test_conditions_are_met_by_tag_before_date(void **state)
{
    static const struct {
        const char *if_none_match;
        const char *if_modified_since;
        int status;
    } rows[] = {
        {ETAG, NULL, 304},
        {"W/" ETAG, NULL, 304},
        {"\"x\", " ETAG, NULL, 304},
        {"\"a,b\" ,W/\"y\"," ETAG, NULL, 304},
        {"*", NULL, 304},
        {"\"x\", W/\"y\" , \"z\",\t" ETAG " , \"a\"", NULL, 304},
        {"\"*\"", NULL, 200},    /* a tag of one star */
        {"\"x\", *", NULL, 200}, /* the star stands alone */
        {"W/*", NULL, 200},
        {"w/" ETAG, NULL, 200},
        {"00112233445566778899aabbccddeeff", NULL, 200},
        {"\"open", NULL, 200},
        {",,,", NULL, 200},
        {"\"x\"", NULL, 200},
        {"\"x\"", DATE, 200}, /* the tag decides, whatever the date says */
        {"", DATE, 200},
        {NULL, DATE, 304},
        {NULL, "Sat, 31 Jan 2026 12:00:01 GMT", 304},
        {NULL, "Sat, 31 Jan 2026 11:59:59 GMT", 200},
        {NULL, "yesterday", 200},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct media_answer answer =
            decide(*state, (struct media_question){.if_none_match = rows[i].if_none_match,
                                                   .if_modified_since = rows[i].if_modified_since});
        assert_int_equal(answer.status, rows[i].status);
    }
}

static void test_refusals_come_first(void **state)
{
    static const struct {
        const char *if_match;
        const char *if_unmodified_since;
        const char *if_none_match;
        int status;
    } rows[] = {
        {ETAG, NULL, NULL, 200},
        {"*", NULL, NULL, 200},
        {"\"x\", " ETAG, NULL, NULL, 200},
        {"\"x\"", NULL, NULL, 412},
        {"W/" ETAG, NULL, NULL, 412}, /* strong comparison */
        {"", NULL, NULL, 412},
        {"\"x\"", NULL, ETAG, 412},
        {ETAG, NULL, ETAG, 304},
        {ETAG, "Sat, 31 Jan 2026 11:59:59 GMT", NULL, 200}, /* the tag decides */
        {NULL, DATE, NULL, 200},
        {NULL, "Sat, 31 Jan 2026 11:59:59 GMT", NULL, 412},
        {NULL, "Sat, 31 Jan 2026 11:59:59 GMT", ETAG, 412},
        {NULL, "yesterday", NULL, 200},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct media_answer answer =
            decide(*state, (struct media_question){.if_match = rows[i].if_match,
                                                   .if_unmodified_since = rows[i].if_unmodified_since,
                                                   .if_none_match = rows[i].if_none_match});
        assert_int_equal(answer.status, rows[i].status);
        assert_int_equal(answer.bytes, rows[i].status == 200 ? 1000 : 0);
    }
}

static void test_head_has_no_ranges(void **state)
{
    static const char *const ranges[] = {"bytes=0-9", "bytes=1000-", "bytes=-1"};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct media_answer answer =
            decide(*state, (struct media_question){.is_head = true, .range = ranges[i], .if_range = ETAG});
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.bytes, 1000);
        assert_null(answer.content_range);
    }
    struct media_answer answer =
        decide(*state, (struct media_question){.is_head = true, .range = "bytes=0-9", .if_none_match = ETAG});
    assert_int_equal(answer.status, 304);
}

static void test_ranges_are_cut(void **state)
{
    struct media_answer answer = decide(*state, (struct media_question){.range = "bytes=100-199"});
    assert_int_equal(answer.status, 206);
    assert_int_equal(answer.offset, 100);
    assert_int_equal(answer.bytes, 100);
    assert_string_equal(answer.content_range, "bytes 100-199/1000");
    answer = decide(*state, (struct media_question){.range = "bytes=-1"});
    assert_int_equal(answer.offset, 999);
    assert_string_equal(answer.content_range, "bytes 999-999/1000");
    answer = decide(*state, (struct media_question){.range = "bytes=1000-"});
    assert_int_equal(answer.status, 416);
    assert_string_equal(answer.content_range, "bytes */1000");
    assert_int_equal(answer.bytes, 0);
}

static void test_a_range_holds_only_for_the_same_file(void **state)
{
    static const struct {
        const char *if_range;
        int status;
    } rows[] = {
        {ETAG, 206},
        {"W/" ETAG, 200},
        {"\"x\"", 200},
        {"*", 200},
        {"\"x\", " ETAG, 200},
        {DATE, 206},
        {"Sat, 31 Jan 2026 12:00:01 GMT", 200},
        {"", 200},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct media_answer answer =
            decide(*state, (struct media_question){.range = "bytes=0-0", .if_range = rows[i].if_range});
        assert_int_equal(answer.status, rows[i].status);
    }
}

static void test_a_name_is_a_tag_where_no_digest_is_known(void **state)
{
    struct media_file variant = {"products/webp/2026/01/31/u-g1.webp", NULL, 10, 0};
    struct media_file other = {"products/webp/2026/01/31/u-g2.webp", NULL, 10, 0};
    struct media_question question = {0};
    struct media_answer answer;
    struct media_answer second;
    media_decide(*state, &variant, &question, &answer);
    media_decide(*state, &other, &question, &second);
    assert_int_equal(strlen(answer.etag), 34);
    assert_string_not_equal(answer.etag, second.etag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_asked_is_the_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conditions_are_met_by_tag_before_date, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_head_has_no_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ranges_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_range_holds_only_for_the_same_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_name_is_a_tag_where_no_digest_is_known, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
