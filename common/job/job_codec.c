// SPDX-License-Identifier: Apache-2.0
#include "common/job/job.h"

#include "common/job/job_trace.h"
#include "common/job/pack.h"

#include <assert.h>
#include <inttypes.h>
#include <msgpack.h>
#include <string.h>

enum { KEYS_MOST = 32, COUNT_MOST = 1000000 };

/* What a job may be made of; the bit of a key is set once it was seen. */
enum key {
    KEY_V,
    KEY_TYPE,
    KEY_IMAGE,
    KEY_GENERATION,
    KEY_ATTEMPT,
    KEY_CRASHES,
    KEY_CLASS,
    KEY_ENQUEUED_AT,
    KEY_TRACE,
    KEY_COUNT
};

static const struct key_row {
    const char *word;
    bool is_required;
} keys[KEY_COUNT] = {
    [KEY_V] = {"v", true},
    [KEY_TYPE] = {"type", true},
    [KEY_IMAGE] = {"image", true},
    [KEY_GENERATION] = {"generation", true},
    [KEY_ATTEMPT] = {"attempt", false},
    [KEY_CRASHES] = {"crashes", false},
    [KEY_CLASS] = {"class", true},
    [KEY_ENQUEUED_AT] = {"enqueued_at", true},
    [KEY_TRACE] = {"trace", false},
};

struct sink {
    unsigned char *out;
    size_t used;
};

static int sink_write(void *data, const char *bytes, size_t count)
{
    struct sink *sink = data;
    assert(count <= JOB_MAX_BYTES - sink->used);
    memcpy(sink->out + sink->used, bytes, count);
    sink->used += count;
    return 0;
}

static void pack_key(msgpack_packer *packer, enum key key)
{
    size_t bytes = strlen(keys[key].word);
    msgpack_pack_str(packer, bytes);
    msgpack_pack_str_body(packer, keys[key].word, bytes);
}

static void pack_number(msgpack_packer *packer, enum key key, int64_t number)
{
    pack_key(packer, key);
    msgpack_pack_int64(packer, number);
}

size_t job_encode(const struct job *job, unsigned char out[JOB_MAX_BYTES])
{
    struct sink sink = {.out = out};
    msgpack_packer packer;
    unsigned char trace[JOB_TRACE_PACKED_BYTES];
    bool has_trace = job_trace_pack(job->trace, trace) == 0;
    size_t pairs = (job->attempt != 0 ? 7U : 6U) + (job->crashes != 0 ? 1 : 0) + (has_trace ? 1 : 0);
    msgpack_packer_init(&packer, &sink, sink_write);
    msgpack_pack_map(&packer, pairs);
    pack_number(&packer, KEY_V, JOB_VERSION);
    pack_number(&packer, KEY_TYPE, job->type);
    pack_number(&packer, KEY_IMAGE, job->image);
    pack_number(&packer, KEY_GENERATION, job->generation);
    pack_number(&packer, KEY_CLASS, job->class);
    pack_number(&packer, KEY_ENQUEUED_AT, job->enqueued_at_ms);
    if (job->attempt != 0) {
        pack_number(&packer, KEY_ATTEMPT, job->attempt);
    }
    if (job->crashes != 0) {
        pack_number(&packer, KEY_CRASHES, job->crashes);
    }
    if (has_trace) {
        pack_key(&packer, KEY_TRACE);
        msgpack_pack_bin(&packer, sizeof trace);
        msgpack_pack_bin_body(&packer, trace, sizeof trace);
    }
    return sink.used;
}

/* Reads a key; KEY_COUNT for one that this version does not know. */
static int read_key(struct pack *pack, enum key *key)
{
    const unsigned char *text = NULL;
    size_t bytes = 0;
    if (pack_text(pack, &text, &bytes) != 0) {
        return -1;
    }
    unsigned found = 0;
    while (found < KEY_COUNT &&
           (strlen(keys[found].word) != bytes || memcmp(keys[found].word, text, bytes) != 0)) {
        found++;
    }
    *key = (enum key)found;
    return 0;
}

/* Looks for the version alone: whatever else a later one holds, it is told as a later one. */
static int find_version(struct pack pack, int64_t *version)
{
    size_t pairs = 0;
    if (pack_map(&pack, &pairs) != 0 || pairs > KEYS_MOST) {
        return -1;
    }
    for (; pairs > 0; pairs--) {
        enum key key = KEY_COUNT;
        if (read_key(&pack, &key) != 0) {
            return -1;
        }
        if (key == KEY_V) {
            return pack_int(&pack, 0, INT64_MAX, version);
        }
        if (pack_skip(&pack) != 0) {
            return -1;
        }
    }
    return -1;
}

static int read_small(struct pack *pack, int64_t most, int *out)
{
    int64_t number = 0;
    if (pack_int(pack, 0, most, &number) != 0) {
        return -1;
    }
    *out = (int)number;
    return 0;
}

static int read_trace(struct pack *pack, char trace[JOB_TRACE_BYTES])
{
    const unsigned char *data = NULL;
    size_t bytes = 0;
    if (pack_binary(pack, &data, &bytes) != 0 || bytes != JOB_TRACE_PACKED_BYTES) {
        return -1;
    }
    job_trace_unpack(data, trace);
    return 0;
}

static int read_value(struct pack *pack, enum key key, struct job *job)
{
    int small = 0;
    switch (key) {
    case KEY_V:
        return read_small(pack, JOB_VERSION, &small);
    case KEY_TYPE:
        if (read_small(pack, JOB_REFINE, &small) != 0) {
            return -1;
        }
        job->type = (enum job_type)small;
        return 0;
    case KEY_IMAGE:
        return pack_int(pack, 1, INT64_MAX, &job->image);
    case KEY_GENERATION:
        return pack_int(pack, 0, INT64_MAX, &job->generation);
    case KEY_ATTEMPT:
        return read_small(pack, COUNT_MOST, &job->attempt);
    case KEY_CRASHES:
        return read_small(pack, COUNT_MOST, &job->crashes);
    case KEY_CLASS:
        if (read_small(pack, JOB_LOW, &small) != 0) {
            return -1;
        }
        job->class = (enum job_class)small;
        return 0;
    case KEY_ENQUEUED_AT:
        return pack_int(pack, 0, INT64_MAX, &job->enqueued_at_ms);
    case KEY_TRACE:
        return read_trace(pack, job->trace);
    case KEY_COUNT:
        return pack_skip(pack);
    }
    return -1;
}

static int check_required(unsigned seen, struct err *err)
{
    for (unsigned key = 0; key < KEY_COUNT; key++) {
        if (keys[key].is_required && (seen & 1U << key) == 0) {
            return err_set(err, ERR_UNKNOWN_JOB, "the job has no \"%s\"", keys[key].word);
        }
    }
    return 0;
}

int job_decode(const unsigned char *data, size_t bytes, struct job *out, struct err *err)
{
    struct pack pack = {data, bytes};
    struct job job = {.type = JOB_PROCESS};
    int64_t version = 0;
    size_t pairs = 0;
    unsigned seen = 0;
    if (bytes > JOB_MAX_BYTES) {
        return err_set(err, ERR_UNKNOWN_JOB, "the job has %zu bytes, which are more than %d", bytes,
                       JOB_MAX_BYTES);
    }
    if (find_version(pack, &version) != 0 || pack_map(&pack, &pairs) != 0) {
        return err_set(err, ERR_UNKNOWN_JOB, "the job is no msgpack map with a version");
    }
    if (version != JOB_VERSION) {
        return err_set(err, ERR_UNKNOWN_JOB, "the job is of version %" PRId64, version);
    }
    for (; pairs > 0; pairs--) {
        enum key key = KEY_COUNT;
        if (read_key(&pack, &key) != 0) {
            return err_set(err, ERR_UNKNOWN_JOB, "a key of the job can not be read");
        }
        const char *word = key == KEY_COUNT ? "?" : keys[key].word;
        if (key != KEY_COUNT && (seen & 1U << key) != 0) {
            return err_set(err, ERR_UNKNOWN_JOB, "the job has \"%s\" twice", word);
        }
        seen |= 1U << key;
        if (read_value(&pack, key, &job) != 0) {
            return err_set(err, ERR_UNKNOWN_JOB, "\"%s\" of the job can not be read", word);
        }
    }
    if (pack.left > 0) {
        return err_set(err, ERR_UNKNOWN_JOB, "%zu bytes follow the job", pack.left);
    }
    if (check_required(seen, err) != 0) {
        return -1;
    }
    *out = job;
    return 0;
}

void job_id(const struct job *job, char out[JOB_ID_BYTES])
{
    snprintf(out, JOB_ID_BYTES, "%" PRId64 ".%" PRId64 "%s", job->image, job->generation,
             job->type == JOB_REFINE ? ".r" : "");
}

const char *job_class_word(enum job_class class)
{
    static const char *const words[] = {[JOB_HIGH] = "high", [JOB_NORMAL] = "normal", [JOB_LOW] = "low"};
    assert((unsigned)class <= JOB_LOW);
    return words[class];
}
