// SPDX-License-Identifier: Apache-2.0
#include "common/job/job.h"

#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const char trace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

static struct job sample(void)
{
    struct job job = {.type = JOB_PROCESS,
                      .image = 123456789012,
                      .generation = 7,
                      .attempt = 3,
                      .crashes = 2,
                      .class = JOB_LOW,
                      .enqueued_at_ms = 1790000000123};
    memcpy(job.trace, trace, sizeof trace);
    return job;
}

static void assert_same(const struct job *a, const struct job *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->image, b->image);
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->crashes, b->crashes);
    assert_int_equal(a->class, b->class);
    assert_int_equal(a->enqueued_at_ms, b->enqueued_at_ms);
    assert_string_equal(a->trace, b->trace);
}

static void check_round(const struct job *job)
{
    unsigned char out[JOB_MAX_BYTES];
    struct job again;
    struct err err = {.code = ERR_NONE};
    memset(&again, 'x', sizeof again);
    size_t bytes = job_encode(job, out);
    assert_in_range(bytes, 1, JOB_MAX_BYTES);
    if (job_decode(out, bytes, &again, &err) != 0) {
        fail_msg("%s", err.sentence);
    }
    assert_same(job, &again);
}

static void test_comes_back_the_same(void **state)
{
    (void)state;
    struct job job = sample();
    check_round(&job);
    job.attempt = job.crashes = 0;
    job.trace[0] = '\0';
    for (int class = JOB_HIGH; class <= JOB_LOW; class ++) {
        job.class = (enum job_class) class;
        check_round(&job);
    }
    job = sample();
    job.image = job.generation = job.enqueued_at_ms = INT64_MAX;
    job.attempt = job.crashes = 1000000;
    check_round(&job);
}

static void test_is_short(void **state)
{
    (void)state;
    unsigned char out[JOB_MAX_BYTES];
    struct job job = sample();
    job.attempt = job.crashes = 0;
    /* with class and uploader before it, this is what the 200 bytes of a pending job leave for it */
    assert_in_range(job_encode(&job, out), 1, 120);
}

static const msgpack_object *value_of(const msgpack_object *map, const char *key)
{
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *pair = &map->via.map.ptr[i];
        assert_int_equal(pair->key.type, MSGPACK_OBJECT_STR);
        if (pair->key.via.str.size == strlen(key) && memcmp(pair->key.via.str.ptr, key, strlen(key)) == 0) {
            return &pair->val;
        }
    }
    return NULL;
}

/* What is kept in Redis is the documented map, as another msgpack library reads it. */
static void test_is_the_documented_map(void **state)
{
    (void)state;
    unsigned char out[JOB_MAX_BYTES];
    struct job job = sample();
    size_t bytes = job_encode(&job, out);
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t used = 0;
    assert_int_equal(msgpack_unpack_next(&unpacked, (const char *)out, bytes, &used), MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(used, bytes);
    const msgpack_object *map = &unpacked.data;
    assert_int_equal(map->type, MSGPACK_OBJECT_MAP);
    assert_int_equal(map->via.map.size, 9);
    assert_int_equal(value_of(map, "v")->via.u64, 1);
    assert_int_equal(value_of(map, "type")->via.u64, 0);
    assert_int_equal(value_of(map, "image")->via.u64, 123456789012);
    assert_int_equal(value_of(map, "generation")->via.u64, 7);
    assert_int_equal(value_of(map, "attempt")->via.u64, 3);
    assert_int_equal(value_of(map, "crashes")->via.u64, 2);
    assert_int_equal(value_of(map, "class")->via.u64, 2);
    assert_int_equal(value_of(map, "enqueued_at")->via.u64, 1790000000123);
    assert_int_equal(value_of(map, "trace")->type, MSGPACK_OBJECT_BIN);
    assert_int_equal(value_of(map, "trace")->via.bin.size, 26);
    assert_memory_equal(value_of(map, "trace")->via.bin.ptr, "\x00\x4b\xf9\x2f", 4);
    msgpack_unpacked_destroy(&unpacked);

    job.attempt = job.crashes = 0;
    job.trace[0] = '\0';
    bytes = job_encode(&job, out);
    msgpack_unpacked_init(&unpacked);
    used = 0;
    assert_int_equal(msgpack_unpack_next(&unpacked, (const char *)out, bytes, &used), MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(unpacked.data.via.map.size, 6);
    msgpack_unpacked_destroy(&unpacked);
}

static void test_a_malformed_trace_is_left_out(void **state)
{
    (void)state;
    static const char *const traces[] = {"x", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                                         "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
                                         "00-4bf92f3577b34da6a3ce929d0e0e4736+00f067aa0ba902b7-01",
                                         "00-4bf92f3577b34da6a3ce929d0e0e47-3600f067aa0ba902b7-01"};
    for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++) {
        unsigned char out[JOB_MAX_BYTES];
        struct job job = sample();
        struct job again;
        snprintf(job.trace, sizeof job.trace, "%s", traces[i]);
        assert_int_equal(job_decode(out, job_encode(&job, out), &again, NULL), 0);
        assert_string_equal(again.trace, "");
        assert_int_equal(again.image, job.image);
    }
}

static void refuse(const void *data, size_t bytes, const char *part)
{
    /* an exact copy, so that the sanitizer sees a read past its end */
    unsigned char *exact = malloc(bytes > 0 ? bytes : 1);
    struct job job = {.image = 77};
    struct err err = {.code = ERR_NONE};
    assert_non_null(exact);
    memcpy(exact, data, bytes);
    if (job_decode(exact, bytes, &job, &err) != -1) {
        fail_msg("taken, but expected: %s", part);
    }
    free(exact);
    assert_int_equal(err.code, ERR_UNKNOWN_JOB);
    assert_int_equal(job.image, 77);
    if (strstr(err.sentence, part) == NULL) {
        fail_msg("\"%s\" does not hold \"%s\"", err.sentence, part);
    }
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    unsigned char out[JOB_MAX_BYTES];
    struct job job = sample();
    size_t bytes = job_encode(&job, out);
    for (size_t i = 0; i < bytes; i++) {
        refuse(out, i, "job");
    }
    refuse("", 0, "no msgpack map");
    out[bytes] = 0xc0;
    refuse(out, bytes + 1, "follow");
}

/* A map of n pairs that starts with the required keys but `without`. */
static size_t build(msgpack_sbuffer *buffer, size_t extra, const char *without)
{
    static const char *const words[] = {"v", "type", "image", "generation", "class", "enqueued_at"};
    static const int values[] = {1, 0, 5, 1, 0, 99};
    msgpack_packer packer;
    msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write);
    msgpack_pack_map(&packer, 6 + extra - (without != NULL));
    for (size_t i = 0; i < 6; i++) {
        if (without == NULL || strcmp(words[i], without) != 0) {
            msgpack_pack_str_with_body(&packer, words[i], strlen(words[i]));
            msgpack_pack_int(&packer, values[i]);
        }
    }
    return buffer->size;
}

static void test_unknown_keys_are_ignored(void **state)
{
    (void)state;
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    struct job job;
    msgpack_sbuffer_init(&buffer);
    build(&buffer, 2, NULL);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    msgpack_pack_str_with_body(&packer, "later", 5);
    msgpack_pack_array(&packer, 7);
    msgpack_pack_nil(&packer);
    msgpack_pack_double(&packer, 1.5);
    msgpack_pack_float(&packer, 1.5F);
    msgpack_pack_ext_with_body(&packer, "12345", 5, 3);
    msgpack_pack_int64(&packer, INT64_MIN);
    msgpack_pack_map(&packer, 1);
    msgpack_pack_true(&packer);
    msgpack_pack_bin_with_body(&packer, "x", 1);
    msgpack_pack_str_with_body(&packer, "0123456789012345678901234567890123456789", 40);
    msgpack_pack_str_with_body(&packer, "more", 4);
    msgpack_pack_ext_with_body(&packer, "1234567812345678", 16, 1);
    struct err err = {.code = ERR_NONE};
    if (job_decode((const unsigned char *)buffer.data, buffer.size, &job, &err) != 0) {
        fail_msg("%s", err.sentence);
    }
    assert_int_equal(job.image, 5);
    assert_int_equal(job.enqueued_at_ms, 99);
    assert_int_equal(job.attempt, 0);
    msgpack_sbuffer_destroy(&buffer);
}

static void test_required_keys(void **state)
{
    (void)state;
    static const char *const words[] = {"type", "image", "generation", "class", "enqueued_at"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        msgpack_sbuffer buffer;
        msgpack_sbuffer_init(&buffer);
        size_t bytes = build(&buffer, 0, words[i]);
        refuse(buffer.data, bytes, words[i]);
        msgpack_sbuffer_destroy(&buffer);
    }
}

#define REFUSE(bytes, part) refuse(bytes, sizeof(bytes) - 1, part)

static void test_hostile_bytes(void **state)
{
    (void)state;
    REFUSE("\x81\xa1v\x02", "version 2");
    REFUSE("\x82\xa1x\xdd\xff\xff\xff\xff\xa1v\x01", "no msgpack map");
    REFUSE("\xdf\xff\xff\xff\xff", "no msgpack map");
    REFUSE("\xde\xff\xff\xa1v\x01", "no msgpack map");
    REFUSE("\x81\xdb\xff\xff\xff\xff", "no msgpack map");
    REFUSE("\x81\xa1x\xc9\xff\xff\xff\xff\x01", "no msgpack map");
    REFUSE("\x81\xa1v\xc1", "no msgpack map");
    REFUSE("\x81\xa1v\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "no msgpack map");
    REFUSE("\x81\xa1v\xff", "no msgpack map");
    REFUSE("\x82\xa1v\x01\xa1v\x01", "twice");
    REFUSE("\x82\xa1v\x01\xa4type\x02", "\"type\"");
    REFUSE("\x82\xa1v\x01\xa5image\x00", "\"image\"");
    REFUSE("\x82\xa1v\x01\xa5image\xff", "\"image\"");
    REFUSE("\x82\xa1v\x01\xa5image\xa1"
           "5",
           "\"image\"");
    REFUSE("\x82\xa1v\x01\xa5"
           "class\x03",
           "\"class\"");
    REFUSE("\x82\xa1v\x01\xa7"
           "attempt\xce\x7f\xff\xff\xff",
           "\"attempt\"");
    REFUSE("\x82\xa1v\x01\xa5trace\xa1x", "\"trace\"");
    REFUSE("\x82\xa1v\x01\x01\x01", "key");
    /* deeper than any stack of recursive calls should go, and longer than a job may be */
    unsigned char deep[JOB_MAX_BYTES + 1];
    memset(deep, 0x91, sizeof deep);
    deep[0] = 0x82;
    deep[1] = 0xa1;
    deep[2] = 'x';
    refuse(deep, JOB_MAX_BYTES, "no msgpack map");
    refuse(deep, sizeof deep, "bytes");
    static const unsigned char end[] = {0xc0, 0xa1, 'v', 2};
    memcpy(deep + JOB_MAX_BYTES - sizeof end, end, sizeof end);
    refuse(deep, JOB_MAX_BYTES, "version 2");
}

static void test_the_next_version_is_told_by_its_number(void **state)
{
    (void)state;
    /* whatever stands before and after it */
    REFUSE("\x83\xa5image\xa3"
           "abc\xa1v\x02\xa1z\xc1",
           "version 2");
}

static void test_names(void **state)
{
    (void)state;
    struct job job = sample();
    char id[JOB_ID_BYTES];
    job_id(&job, id);
    assert_string_equal(id, "123456789012.7");
    job.image = job.generation = INT64_MAX;
    job_id(&job, id);
    assert_string_equal(id, "9223372036854775807.9223372036854775807");
    assert_string_equal(job_class_word(JOB_HIGH), "high");
    assert_string_equal(job_class_word(JOB_NORMAL), "normal");
    assert_string_equal(job_class_word(JOB_LOW), "low");
}

static void test_a_refinement_is_another_job_of_the_same_image(void **state)
{
    (void)state;
    struct job job = {.type = JOB_REFINE, .image = 12, .generation = 3, .class = JOB_LOW};
    struct job read;
    struct err err;
    unsigned char bytes[JOB_MAX_BYTES];
    char id[JOB_ID_BYTES];
    job_id(&job, id);
    assert_string_equal(id, "12.3.r");
    assert_int_equal(job_decode(bytes, job_encode(&job, bytes), &read, &err), 0);
    assert_int_equal(read.type, JOB_REFINE);
    assert_int_equal(read.class, JOB_LOW);
    job.type = JOB_PROCESS;
    job_id(&job, id);
    assert_string_equal(id, "12.3");
    job = (struct job){.type = JOB_REFINE, .image = INT64_MAX, .generation = INT64_MAX};
    job_id(&job, id);
    assert_string_equal(id, "9223372036854775807.9223372036854775807.r");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refinement_is_another_job_of_the_same_image),
        cmocka_unit_test(test_comes_back_the_same),
        cmocka_unit_test(test_is_short),
        cmocka_unit_test(test_is_the_documented_map),
        cmocka_unit_test(test_a_malformed_trace_is_left_out),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_unknown_keys_are_ignored),
        cmocka_unit_test(test_required_keys),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_the_next_version_is_told_by_its_number),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
