// SPDX-License-Identifier: Apache-2.0
#include "common/queue/queue_report.h"

#include "common/job/pack.h"

#include <assert.h>
#include <string.h>

enum { KEYS_MOST = 32, NUMBERS = 6 };

/* the keys whose values are integers, and where they belong */
static const struct row {
    const char *word;
    size_t offset;
} rows[NUMBERS] = {
    {"codecs", offsetof(struct queue_worker, codecs)},
    {"busy", offsetof(struct queue_worker, codecs_busy)},
    {"in_hand", offsetof(struct queue_worker, in_hand)},
    {"taken", offsetof(struct queue_worker, taken)},
    {"codec_us", offsetof(struct queue_worker, codec_us)},
    {"started_at", offsetof(struct queue_worker, started_at_ms)},
};

struct sink {
    unsigned char *out;
    size_t used;
};

static void put(struct sink *sink, const void *data, size_t bytes)
{
    assert(bytes <= QUEUE_REPORT_BYTES - sink->used);
    memcpy(sink->out + sink->used, data, bytes);
    sink->used += bytes;
}

/* Every string as str 16 and every number as int 64: a report is told once in a while, and short enough. */
static void put_text(struct sink *sink, const char *text)
{
    size_t bytes = strlen(text);
    const unsigned char head[] = {0xda, (unsigned char)(bytes >> 8), (unsigned char)bytes};
    put(sink, head, sizeof head);
    put(sink, text, bytes);
}

static void put_number(struct sink *sink, const char *key, int64_t number)
{
    unsigned char value[9] = {0xd3};
    for (size_t i = 0; i < 8; i++) {
        value[1 + i] = (unsigned char)((uint64_t)number >> (56 - 8 * i));
    }
    put_text(sink, key);
    put(sink, value, sizeof value);
}

/* "1.1 2.1": names hold no spaces */
static void join_jobs(const struct queue_worker *worker, char out[QUEUE_WORKER_JOBS * JOB_ID_BYTES])
{
    size_t used = 0;
    assert(worker->job_count <= QUEUE_WORKER_JOBS);
    for (size_t i = 0; i < worker->job_count; i++) {
        size_t bytes = strlen(worker->jobs[i]);
        if (i > 0) {
            out[used++] = ' ';
        }
        memcpy(out + used, worker->jobs[i], bytes);
        used += bytes;
    }
    out[used] = '\0';
}

size_t queue_report_encode(const struct queue_worker *worker, unsigned char out[QUEUE_REPORT_BYTES])
{
    struct sink sink = {.out = out};
    const unsigned char pairs = 0x80 | (NUMBERS + 3);
    char jobs[QUEUE_WORKER_JOBS * JOB_ID_BYTES];
    join_jobs(worker, jobs);
    put(&sink, &pairs, 1);
    put_number(&sink, "v", QUEUE_REPORT_VERSION);
    for (size_t i = 0; i < NUMBERS; i++) {
        int64_t number = 0;
        memcpy(&number, (const char *)worker + rows[i].offset, sizeof number);
        put_number(&sink, rows[i].word, number);
    }
    put_text(&sink, "state");
    put_text(&sink, worker->state);
    put_text(&sink, "jobs");
    put_text(&sink, jobs);
    return sink.used;
}

static bool is_word(const unsigned char *text, size_t bytes, const char *word)
{
    return strlen(word) == bytes && memcmp(word, text, bytes) == 0;
}

/* Copies printable ASCII without spaces into out of `size` bytes. */
static int copy_plain(char *out, size_t size, const unsigned char *text, size_t bytes)
{
    if (bytes >= size) {
        return -1;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return -1;
        }
    }
    memcpy(out, text, bytes);
    out[bytes] = '\0';
    return 0;
}

static int read_jobs(struct pack *pack, struct queue_worker *worker)
{
    const unsigned char *text = NULL;
    size_t bytes = 0;
    if (pack_text(pack, &text, &bytes) != 0) {
        return -1;
    }
    worker->job_count = 0;
    while (bytes > 0) {
        const unsigned char *space = memchr(text, ' ', bytes);
        size_t name_bytes = space != NULL ? (size_t)(space - text) : bytes;
        size_t step = space != NULL ? name_bytes + 1 : name_bytes;
        if (worker->job_count == QUEUE_WORKER_JOBS || name_bytes == 0 ||
            copy_plain(worker->jobs[worker->job_count], JOB_ID_BYTES, text, name_bytes) != 0) {
            return -1;
        }
        worker->job_count++;
        text += step;
        bytes -= step;
    }
    return 0;
}

static int read_state(struct pack *pack, struct queue_worker *worker)
{
    const unsigned char *text = NULL;
    size_t bytes = 0;
    return pack_text(pack, &text, &bytes) == 0 ? copy_plain(worker->state, sizeof worker->state, text, bytes)
                                               : -1;
}

static int read_value(struct pack *pack, const unsigned char *key, size_t key_bytes, bool *has_version,
                      struct queue_worker *worker)
{
    int64_t number = 0;
    if (is_word(key, key_bytes, "v")) {
        *has_version = true;
        return pack_int(pack, QUEUE_REPORT_VERSION, QUEUE_REPORT_VERSION, &number);
    }
    if (is_word(key, key_bytes, "state")) {
        return read_state(pack, worker);
    }
    if (is_word(key, key_bytes, "jobs")) {
        return read_jobs(pack, worker);
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        if (is_word(key, key_bytes, rows[i].word)) {
            if (pack_int(pack, 0, INT64_MAX, &number) != 0) {
                return -1;
            }
            memcpy((char *)worker + rows[i].offset, &number, sizeof number);
            return 0;
        }
    }
    return pack_skip(pack);
}

int queue_report_decode(const unsigned char *data, size_t bytes, struct queue_worker *out)
{
    struct pack pack = {data, bytes};
    struct queue_worker worker = {.job_count = 0};
    size_t pairs = 0;
    bool has_version = false;
    if (bytes > QUEUE_REPORT_BYTES || pack_map(&pack, &pairs) != 0 || pairs > KEYS_MOST) {
        return -1;
    }
    for (; pairs > 0; pairs--) {
        const unsigned char *key = NULL;
        size_t key_bytes = 0;
        if (pack_text(&pack, &key, &key_bytes) != 0 ||
            read_value(&pack, key, key_bytes, &has_version, &worker) != 0) {
            return -1;
        }
    }
    if (!has_version || pack.left > 0) {
        return -1;
    }
    *out = worker;
    return 0;
}
