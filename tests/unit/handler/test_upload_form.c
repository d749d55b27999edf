// SPDX-License-Identifier: Apache-2.0
/*
 * Bodies in pieces of every size give the same file and fields.
 */
#include "api/handler/upload_form.h"

#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { FILE_MAX = 4096 };

/* What came of a body. */
struct outcome {
    enum err_code code;
    size_t bytes;
    char file[FILE_MAX];
    struct image_fields fields;
    json_t *errors;
};

static void take(struct upload_form *form, const char *body, size_t bytes, size_t piece, struct outcome *out)
{
    struct err err = {0};
    for (size_t at = 0; at < bytes; at += piece) {
        const char *data = body + at;
        size_t left = bytes - at < piece ? bytes - at : piece;
        while (left > 0) {
            const char *file = NULL;
            size_t file_bytes = 0;
            if (upload_form_feed(form, &data, &left, &file, &file_bytes, &err)) {
                out->code = err.code;
                return;
            }
            assert_true(out->bytes + file_bytes <= FILE_MAX);
            memcpy(out->file + out->bytes, file, file_bytes);
            out->bytes += file_bytes;
        }
    }
    out->code = upload_form_end(form, &err) ? err.code : ERR_NONE;
}

static struct outcome outcome_of(struct arena *arena, const struct upload_body *request, const char *body,
                                 size_t bytes, size_t piece)
{
    struct outcome out = {0};
    struct err err = {0};
    struct upload_form *form = upload_form_new(arena, request, &err);
    if (form == NULL || upload_form_check(form, &err)) {
        out.code = err.code;
    } else {
        take(form, body, bytes, piece, &out);
        out.fields = *upload_form_fields(form);
    }
    if (form != NULL) {
        out.errors = upload_form_take_errors(form);
    }
    upload_form_release(form);
    return out;
}

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

#define PART(head, body) "--B\r\nContent-Disposition: form-data; " head "\r\n\r\n" body "\r\n"
#define END              "--B--\r\n"
#define PICTURE          "pixels\r\n--A not the end\r\n-\r\r\n--"

static struct outcome form_outcome(struct arena *arena, const char *body, size_t piece)
{
    struct upload_body request = {"multipart/form-data; boundary=B", "", true};
    return outcome_of(arena, &request, body, strlen(body), piece);
}

static void test_fields_may_stand_before_and_after_the_file(void **state)
{
    static const char body[] = PART("name=\"alt_text\"", "A mug") PART("name=\"csrf\"", "x")
        PART("name=\"image\"; filename=\"mug.JPG\"", PICTURE) PART("name=\"order\"", "5")
            PART("name=\"is_primary\"", "on") END;
    for (size_t piece = 1; piece < sizeof(body); piece++) {
        struct outcome out = form_outcome(*state, body, piece);
        assert_int_equal(out.code, ERR_NONE);
        assert_int_equal(out.bytes, strlen(PICTURE));
        assert_memory_equal(out.file, PICTURE, out.bytes);
        assert_string_equal(out.fields.alt_text, "A mug");
        assert_string_equal(out.fields.caption, "");
        assert_int_equal(out.fields.order, 5);
        assert_true(out.fields.is_primary);
        assert_null(out.errors);
    }
}

static void test_what_is_no_file_is_refused(void **state)
{
    static const struct {
        const char *body;
        enum err_code code;
    } rows[] = {
        {PART("name=\"alt_text\"", "A mug") END, ERR_NO_FILE},
        {PART("name=\"image\"", "text") END, ERR_NO_FILE},
        {PART("name=\"image\"; filename=\"\"", "") END, ERR_NO_FILE},
        {PART("name=\"photo\"; filename=\"mug.jpg\"", "x") END, ERR_NO_FILE},
        {PART("name=\"image\"; filename=\"mug.gif\"", "x") END, ERR_UNSUPPORTED_EXTENSION},
        {PART("name=\"image\"; filename=\"mug\"", "x") END, ERR_UNSUPPORTED_EXTENSION},
        {PART("name=\"image\"; filename=\"mug.jpg.exe\"", "x") END, ERR_UNSUPPORTED_EXTENSION},
        {PART("name=\"image\"; filename=\"a.jpg\"", "x") PART("name=\"image\"; filename=\"b.jpg\"", "y") END,
         ERR_INVALID},
        {PART("name=\"image\"; filename=\"a.jpg\"", "x"), ERR_BAD_REQUEST},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t piece = 1; piece < 200; piece += 7) {
            struct outcome out = form_outcome(*state, rows[i].body, piece);
            assert_int_equal(out.code, rows[i].code);
            json_decref(out.errors);
        }
    }
}

static void test_faults_of_fields_are_told_together(void **state)
{
    char text[2000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    const char *body = arena_format(
        *state, "%s--B\r\nContent-Disposition: form-data; name=\"caption\"\r\n\r\n%s\r\n%s",
        PART("name=\"order\"", "first") PART("name=\"image\"; filename=\"a.jpg\"", "x"), text, END);
    struct outcome out = form_outcome(*state, body, 100);
    assert_int_equal(out.code, ERR_INVALID);
    assert_non_null(json_object_get(out.errors, "order"));
    assert_int_equal(json_array_size(json_object_get(out.errors, "caption")), 1);
    json_decref(out.errors);
}

static void test_a_raw_body_is_the_file(void **state)
{
    struct upload_body request = {"Image/JPEG", "alt_text=A%20mug&is_primary=true&order=3", true};
    struct outcome out = outcome_of(*state, &request, PICTURE, strlen(PICTURE), 4);
    assert_int_equal(out.code, ERR_NONE);
    assert_int_equal(out.bytes, strlen(PICTURE));
    assert_memory_equal(out.file, PICTURE, out.bytes);
    assert_string_equal(out.fields.alt_text, "A mug");
    assert_true(out.fields.is_primary);
    assert_int_equal(out.fields.order, 3);
}

static void test_faults_of_a_query_are_told_before_the_body(void **state)
{
    struct upload_body request = {"image/png", "order=x", true};
    struct outcome out = outcome_of(*state, &request, "", 0, 1);
    assert_int_equal(out.code, ERR_INVALID);
    assert_non_null(json_object_get(out.errors, "order"));
    json_decref(out.errors);
}

static void test_other_bodies_are_refused(void **state)
{
    struct upload_body json = {"application/json", "", true};
    struct upload_body untyped = {NULL, "", true};
    struct upload_body empty = {"image/png", "", false};
    struct upload_body unbounded = {"multipart/form-data", "", true};
    assert_int_equal(outcome_of(*state, &json, "", 0, 1).code, ERR_UNSUPPORTED_MEDIA_TYPE);
    assert_int_equal(outcome_of(*state, &untyped, "", 0, 1).code, ERR_UNSUPPORTED_MEDIA_TYPE);
    assert_int_equal(outcome_of(*state, &empty, "", 0, 1).code, ERR_NO_FILE);
    assert_int_equal(outcome_of(*state, &unbounded, "", 0, 1).code, ERR_BAD_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields_may_stand_before_and_after_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults_of_fields_are_told_together, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_raw_body_is_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults_of_a_query_are_told_before_the_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_bodies_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
