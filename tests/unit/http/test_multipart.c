// SPDX-License-Identifier: Apache-2.0
#include "api/http/multipart.h"

#include "common/base/arena.h"
#include "common/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define TYPE "multipart/form-data; boundary=AaB03x"

enum { LOG_LIMIT = 1 << 20 };

/* What was told, as a text: "[name|file|type]data!" for each part. */
struct told {
    struct buf text;
    size_t stop_every; /* every n-th event says stop; 0: none */
    size_t events;
};

static bool goes_on(struct told *told)
{
    told->events++;
    return told->stop_every == 0 || told->events % told->stop_every != 0;
}

static bool on_part(void *owner, const struct multipart_part *part)
{
    struct told *told = owner;
    assert_int_equal(buf_format(&told->text, "[%s|%s|%s]", part->name,
                                part->file_name == NULL ? "-" : part->file_name,
                                part->content_type == NULL ? "-" : part->content_type),
                     0);
    return goes_on(told);
}

static bool on_data(void *owner, const char *data, size_t bytes)
{
    struct told *told = owner;
    assert_true(bytes > 0);
    assert_int_equal(buf_add(&told->text, data, bytes), 0);
    return goes_on(told);
}

static bool on_part_end(void *owner)
{
    struct told *told = owner;
    assert_int_equal(buf_add(&told->text, "!", 1), 0);
    return goes_on(told);
}

static const struct multipart_events events = {on_part, on_data, on_part_end};

/* Feeds a piece until it is taken whole. */
static int feed_piece(struct multipart *multipart, const struct told *told, const char *data, size_t bytes,
                      struct err *err)
{
    while (bytes > 0) {
        size_t taken = 0;
        size_t events_before = told->events;
        if (multipart_feed(multipart, data, bytes, &taken, err) != 0) {
            return -1;
        }
        assert_true(taken <= bytes);
        assert_true(taken == bytes || (told->stop_every > 0 && told->events > events_before));
        data += taken;
        bytes -= taken;
    }
    return 0;
}

/* Feeds a body: first `first` bytes, then pieces of `piece`. Returns ERR_NONE or the error's code. */
static enum err_code run(struct told *told, const char *type, const char *body, size_t bytes, size_t first,
                         size_t piece)
{
    struct arena *arena = arena_new();
    struct err err = {.code = ERR_NONE};
    size_t stop_every = told->stop_every;
    *told = (struct told){.stop_every = stop_every};
    buf_init(&told->text, LOG_LIMIT);
    struct multipart *multipart = multipart_new(arena, type, &events, told, &err);
    int status = multipart == NULL ? -1 : 0;
    for (size_t at = 0; status == 0 && at < bytes;) {
        size_t wanted = at == 0 ? first : piece;
        size_t here = bytes - at < wanted ? bytes - at : wanted;
        /* an exact copy, so that a read past the piece is seen */
        char *exact = malloc(here);
        assert_non_null(exact);
        memcpy(exact, body + at, here);
        status = feed_piece(multipart, told, exact, here, &err);
        free(exact);
        at += here;
    }
    if (status == 0) {
        status = multipart_end(multipart, &err);
    }
    assert_int_equal(status == 0, err.code == ERR_NONE);
    arena_free(arena);
    return err.code;
}

static void assert_told(const char *body, size_t bytes, const char *wanted)
{
    for (size_t stop_every = 0; stop_every < 3; stop_every++) {
        struct told told = {.stop_every = stop_every};
        for (size_t cut = 1; cut <= bytes; cut++) {
            assert_int_equal(run(&told, TYPE, body, bytes, cut, bytes), ERR_NONE);
            assert_string_equal(told.text.data == NULL ? "" : told.text.data, wanted);
            buf_release(&told.text);
        }
        for (size_t piece = 1; piece < 20; piece++) {
            assert_int_equal(run(&told, TYPE, body, bytes, piece, piece), ERR_NONE);
            assert_string_equal(told.text.data == NULL ? "" : told.text.data, wanted);
            buf_release(&told.text);
        }
    }
}

static void assert_refused(const char *body)
{
    for (size_t piece = 1; piece < 40; piece++) {
        struct told told = {.stop_every = 0};
        assert_int_equal(run(&told, TYPE, body, strlen(body), piece, piece), ERR_BAD_REQUEST);
        buf_release(&told.text);
    }
}

#define PART(disposition, data)   "--AaB03x\r\nContent-Disposition: " disposition "\r\n\r\n" data "\r\n"
#define END                       "--AaB03x--\r\n"
#define ASSERT_TOLD(body, wanted) assert_told((body), sizeof(body) - 1, (wanted))

static void test_parts(void **state)
{
    static const char body[] =
        PART("form-data; name=\"alt\"",
             "a shoe") "--AaB03x\r\ncontent-type: image/jpeg\r\n"
                       "Content-Disposition:form-data;name=image;filename=\"a b.jpg\"\r\nX-Other: y\r\n\r\n"
                       "\xff\xd8\r\r\n\r\n--\r\n--AaB03\r\n--aaB03x\n--AaB03x\r\n\r\n" END;
    (void)state;
    ASSERT_TOLD(body, "[alt|-|-]a shoe![image|a b.jpg|image/jpeg]"
                      "\xff\xd8\r\r\n\r\n--\r\n--AaB03\r\n--aaB03x\n--AaB03x\r\n!");
}

static void test_look_alikes_are_data(void **state)
{
    static const char body[] =
        PART("form-data; name=a", "x--AaB03x--AaB03x\r--AaB03x\n--AaB03x \r\n-AaB03x\r\r\r\n\r\n--AaB0") END;
    (void)state;
    ASSERT_TOLD(body, "[a|-|-]x--AaB03x--AaB03x\r--AaB03x\n--AaB03x \r\n-AaB03x\r\r\r\n\r\n--AaB0!");
}

static void test_zero_bytes_are_data(void **state)
{
    static const char body[] = PART("form-data; name=a", "x\0y") END;
    struct told told = {.stop_every = 0};
    (void)state;
    assert_int_equal(run(&told, TYPE, body, sizeof body - 1, 3, 3), ERR_NONE);
    assert_int_equal(told.text.used, strlen("[a|-|-]") + 4);
    assert_memory_equal(told.text.data + strlen("[a|-|-]"), "x\0y!", 4);
    buf_release(&told.text);
}

static void test_empty_parts(void **state)
{
    static const char body[] = PART("form-data; name=a", "") PART("form-data; name=b; filename=\"\"", "") END;
    static const char short_form[] = "--AaB03x\r\nContent-Disposition: form-data; name=a\r\n\r\n--AaB03x--";
    static const char none[] = "--AaB03x--";
    (void)state;
    ASSERT_TOLD(body, "[a|-|-]![b||-]!");
    ASSERT_TOLD(short_form, "[a|-|-]!");
    ASSERT_TOLD(none, "");
}

static void test_preamble_and_epilogue(void **state)
{
    static const char body[] = "Read over --AaB03x\r\n--AaB03\r\n" PART(
        "form-data; name=a", "b") "--AaB03x--\r\n" PART("form-data; name=not", "read");
    static const char padded[] =
        "\r\n--AaB03x \t\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--AaB03x--junk";
    (void)state;
    ASSERT_TOLD(body, "[a|-|-]b!");
    ASSERT_TOLD(padded, "[a|-|-]b!");
}

static void assert_named(const char *disposition, const char *wanted)
{
    char body[1000];
    struct told told = {.stop_every = 0};
    snprintf(body, sizeof body, "--AaB03x\r\nContent-Disposition: %s\r\n\r\n\r\n" END, disposition);
    enum err_code code = run(&told, TYPE, body, strlen(body), 1000, 1000);
    if (wanted == NULL) {
        assert_int_equal(code, ERR_BAD_REQUEST);
    } else {
        assert_int_equal(code, ERR_NONE);
        assert_string_equal(told.text.data, wanted);
    }
    buf_release(&told.text);
}

static void test_file_names(void **state)
{
    (void)state;
    assert_named("form-data; name=\"a\"; filename=\"b c;d.jpg\"", "[a|b c;d.jpg|-]!");
    assert_named("Form-Data ; NAME=a ; FileName=b.jpg", "[a|b.jpg|-]!");
    assert_named("form-data; name=\"a\\\"b\\\\c\"; filename=\"\\\"q\\\".jpg\"", "[a\"b\\c|\"q\".jpg|-]!");
    assert_named("form-data; name=\"a\"; filename=\"%22q%22%20.jpg\"", "[a|\"q\"%20.jpg|-]!");
    assert_named("form-data; name=\"a\"; filename=\"C:\\dir\\photo.jpg\"", "[a|photo.jpg|-]!");
    assert_named("form-data; name=\"a\"; filename=\"../../etc/passwd\"", "[a|passwd|-]!");
    assert_named("form-data; name=\"a\"; filename=\"dir/\"", "[a||-]!");
    assert_named("form-data; name=\"\xc3\xa9\"; filename=\"\xe2\x82\xac.jpg\"",
                 "[\xc3\xa9|\xe2\x82\xac.jpg|-]!");
    assert_named("form-data; name=\"a\"; filename=\"caf\xe9.jpg\"", "[a|caf_.jpg|-]!");
    assert_named("form-data; name=\"a\"; filename*=UTF-8''%e2%82%ac%20rates.jpg",
                 "[a|\xe2\x82\xac rates.jpg|-]!");
    assert_named("form-data; name=\"a\"; filename*=utf-8'en'x.jpg; filename=\"y.jpg\"", "[a|x.jpg|-]!");
    assert_named("form-data; name=\"a\"; filename=\"y.jpg\"; filename*=ISO-8859-1''caf%E9.jpg",
                 "[a|caf\xc3\xa9.jpg|-]!");
    assert_named("form-data; name=\"a\"; filename=\"y.jpg\"; filename*=UTF-8''%ff.jpg", "[a|y.jpg|-]!");
    assert_named("form-data; name=\"a\"; filename=\"y.jpg\"; filename*=UTF-8''a%00.jpg", "[a|y.jpg|-]!");
    assert_named("form-data; name=\"a\"; filename=\"y.jpg\"; filename*=koi8-r''x", "[a|y.jpg|-]!");
    assert_named("form-data; name=\"a\"; filename*=UTF-8'broken", "[a||-]!");
    assert_named("form-data; name=\"a\"; filename*=UTF-8''..%2f..%2fx", "[a|x|-]!");
    assert_named("form-data; name=\"a\"; filename*=UTF-8''a%0d%0ab", "[a|a__b|-]!");
}

static void test_bad_dispositions(void **state)
{
    static const char *const bad[] = {
        "form-data",
        "form-data; filename=\"x\"",
        "attachment; name=\"a\"",
        "form-dataX; name=a",
        "form-data; name=\"a",
        "form-data; name=\"a\"; name=\"b\"",
        "form-data; name=a; filename=b; filename=c",
        "form-data; name=\"a\"b",
        "form-data; name",
        "form-data; name=\"\xff\"",
        "form-data; name =a",
        "form-data, name=a",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_named(bad[i], NULL);
    }
}

static void test_bad_bodies(void **state)
{
    (void)state;
    assert_refused("no boundary at all");
    assert_refused(PART("form-data; name=a", "b"));
    assert_refused(PART("form-data; name=a", "b") "--AaB03x-");
    assert_refused(PART("form-data; name=a", "b") "--AaB03x\r\n");
    assert_refused("--AaB03x\nContent-Disposition: form-data; name=a\n\nb\n--AaB03x--\n");
    assert_refused("--AaB03x\r\nContent-Disposition: form-data; name=a\n\r\nb\r\n--AaB03x--\r\n");
    assert_refused("--AaB03x\r\nContent-Disposition: form-data; name=a\r\n\nb\r\n" END);
    assert_refused("--AaB03xy\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n" END);
    assert_refused(PART("form-data; name=a", "b\r\n--AaB03xy\r\nc") END);
    assert_refused(PART("form-data; name=a", "b\r\n--AaB03x -c") END);
    assert_refused("--AaB03x\r\n\r\nb\r\n" END);
    assert_refused("--AaB03x\r\nContent-Type: image/png\r\n\r\nb\r\n" END);
    assert_refused("--AaB03x\r\nContent-Disposition: form-data; name=a\r\n folded: b\r\n\r\nb\r\n" END);
    assert_refused("--AaB03x\r\nContent-Disposition : form-data; name=a\r\n\r\nb\r\n" END);
    assert_refused("--AaB03x\r\nno field\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n" END);
    assert_refused("--AaB03x\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; "
                   "name=b\r\n\r\n\r\n" END);
    assert_refused("--AaB03x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: "
                   "base64\r\n\r\nYg==\r\n" END);
    assert_refused("--AaB03x\r\nContent-Disposition: form-data; name=a\r\nX: \x01\r\n\r\nb\r\n" END);
}

static void test_identity_encoding_is_taken(void **state)
{
    static const char body[] =
        "--AaB03x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: BINARY\r\n"
        "\r\nb\r\n" END;
    (void)state;
    ASSERT_TOLD(body, "[a|-|-]b!");
}

/* Adds n times a text to the body. */
static void repeat(struct buf *body, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        assert_int_equal(buf_add(body, text, strlen(text)), 0);
    }
}

static enum err_code run_buf(struct buf *body)
{
    struct told told = {.stop_every = 0};
    enum err_code code = run(&told, TYPE, body->data, body->used, 1000, 1000);
    buf_release(&told.text);
    buf_release(body);
    return code;
}

static void test_limits(void **state)
{
    struct buf body;
    (void)state;
    buf_init(&body, LOG_LIMIT);
    repeat(&body, PART("form-data; name=a", "b"), 128);
    repeat(&body, END, 1);
    assert_int_equal(run_buf(&body), ERR_NONE);
    repeat(&body, PART("form-data; name=a", "b"), 129);
    repeat(&body, END, 1);
    assert_int_equal(run_buf(&body), ERR_BAD_REQUEST);
    repeat(&body, "--AaB03x\r\nContent-Disposition: form-data; name=a\r\nX: ", 1);
    repeat(&body, "aaaaaaaaaa", 400);
    repeat(&body, "\r\n\r\nb\r\n" END, 1);
    assert_int_equal(run_buf(&body), ERR_NONE);
    repeat(&body, "--AaB03x\r\nContent-Disposition: form-data; name=a\r\nX: ", 1);
    repeat(&body, "aaaaaaaaaa", 410);
    repeat(&body, "\r\n\r\nb\r\n" END, 1);
    assert_int_equal(run_buf(&body), ERR_BAD_REQUEST);
    for (size_t i = 0; i < 20; i++) {
        repeat(&body, "--AaB03x\r\nContent-Disposition: form-data; name=a\r\nX: ", 1);
        repeat(&body, "aaaaaaaaaa", 400);
        repeat(&body, "\r\n\r\nb\r\n", 1);
    }
    repeat(&body, END, 1);
    assert_int_equal(run_buf(&body), ERR_BAD_REQUEST);
    repeat(&body, "--AaB03x", 1);
    repeat(&body, " ", 65);
    repeat(&body, "\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n" END, 1);
    assert_int_equal(run_buf(&body), ERR_BAD_REQUEST);
}

static void test_boundaries(void **state)
{
    static const struct {
        const char *type;
        enum err_code code;
    } rows[] = {
        {"multipart/form-data; boundary=b", ERR_NONE},
        {"Multipart/Form-Data ;charset=utf-8; BOUNDARY=\"b\"", ERR_NONE},
        {"multipart/form-data;boundary=b;", ERR_NONE},
        {NULL, ERR_UNSUPPORTED_MEDIA_TYPE},
        {"", ERR_UNSUPPORTED_MEDIA_TYPE},
        {"multipart/mixed; boundary=b", ERR_UNSUPPORTED_MEDIA_TYPE},
        {"multipart/form-dataX; boundary=b", ERR_UNSUPPORTED_MEDIA_TYPE},
        {"image/jpeg", ERR_UNSUPPORTED_MEDIA_TYPE},
        {"multipart/form-data", ERR_BAD_REQUEST},
        {"multipart/form-data; boundary=", ERR_BAD_REQUEST},
        {"multipart/form-data; boundary=\"\"", ERR_BAD_REQUEST},
        {"multipart/form-data; boundary=\"b", ERR_BAD_REQUEST},
        {"multipart/form-data; boundary=\"b \"", ERR_BAD_REQUEST},
        {"multipart/form-data; boundary=\"b\\\"c\"", ERR_BAD_REQUEST},
        {"multipart/form-data; boundary=b; boundary=c", ERR_BAD_REQUEST},
        {"multipart/form-data; boundary=\xc3\xa9", ERR_BAD_REQUEST},
        {"multipart/form-data; "
         "boundary=1234567890123456789012345678901234567890123456789012345678901234567890",
         ERR_NONE},
        {"multipart/form-data; "
         "boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
         ERR_BAD_REQUEST},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *arena = arena_new();
        struct err err = {.code = ERR_NONE};
        assert_int_equal(multipart_new(arena, rows[i].type, &events, NULL, &err) != NULL,
                         rows[i].code == ERR_NONE);
        assert_int_equal(err.code, rows[i].code);
        arena_free(arena);
    }
}

static void test_boundary_with_blanks_and_dashes(void **state)
{
    static const char body[] =
        "----a b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n----a\r\n----a b--";
    struct told told = {.stop_every = 0};
    (void)state;
    for (size_t piece = 1; piece < sizeof body; piece++) {
        assert_int_equal(
            run(&told, "multipart/form-data; boundary=\"--a b\"", body, sizeof body - 1, piece, piece),
            ERR_NONE);
        assert_string_equal(told.text.data, "[a|-|-]x\r\n----a!");
        buf_release(&told.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_look_alikes_are_data),
        cmocka_unit_test(test_zero_bytes_are_data),
        cmocka_unit_test(test_empty_parts),
        cmocka_unit_test(test_preamble_and_epilogue),
        cmocka_unit_test(test_file_names),
        cmocka_unit_test(test_bad_dispositions),
        cmocka_unit_test(test_bad_bodies),
        cmocka_unit_test(test_identity_encoding_is_taken),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_boundaries),
        cmocka_unit_test(test_boundary_with_blanks_and_dashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
