// SPDX-License-Identifier: Apache-2.0
/*
 * pixmill-bench-queue MODE --redis URL [--database URL] [--jobs N] [--batch N] [--lanes N] [--rows none|ready|both|group|worker]
 *     [--gap-ms N]
 *
 * MODE is push, work or latency (queue_bench.h). Prints one line of NAME=NUMBER. tests/bench/queue starts the servers, makes the
 * rows and reads the line.
 */
#include "tests/bench/queue_bench.h"
#include "common/base/clock.h"
#include "common/base/text.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { CALL_MS = 60000, DATABASE_CONNECTIONS = 4, MOST_JOBS = 10000000 };

void queue_bench_check(const struct err *err)
{
    if (err != NULL && err->code != ERR_NONE) {
        fprintf(stderr, "%s\n", err->sentence);
        exit(1);
    }
}

static void fail(const char *sentence)
{
    fprintf(stderr, "%s\n", sentence);
    exit(2);
}

struct options {
    const char *redis;
    const char *database;
};

static void take_number(const char *text, int64_t most, int64_t *out)
{
    if (text_int64(text, 1, most, out) != 0) {
        fail("a number is out of its range");
    }
}

static void take_rows(const char *word, enum bench_rows *rows)
{
    static const char *const words[] = {"none", "ready", "both", "group", "worker"};
    for (int i = 0; i < 5; i++) {
        if (strcmp(word, words[i]) == 0) {
            *rows = (enum bench_rows)i;
            return;
        }
    }
    fail("--rows none, ready, both, group or worker");
}

static void read_options(int argc, char **argv, struct queue_bench *bench, struct options *options)
{
    static const struct option names[] = {
        {"redis", required_argument, NULL, 'r'},  {"database", required_argument, NULL, 'd'},
        {"jobs", required_argument, NULL, 'j'},   {"batch", required_argument, NULL, 'b'},
        {"lanes", required_argument, NULL, 'l'},  {"rows", required_argument, NULL, 'o'},
        {"gap-ms", required_argument, NULL, 'g'}, {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (option) {
        case 'r':
            options->redis = optarg;
            break;
        case 'd':
            options->database = optarg;
            break;
        case 'j':
            take_number(optarg, MOST_JOBS, &bench->jobs);
            break;
        case 'b':
            take_number(optarg, QUEUE_PUSH_MAX, &bench->batch);
            break;
        case 'l':
            take_number(optarg, BENCH_MOST_LANES, &bench->lanes);
            break;
        case 'g':
            take_number(optarg, 1000, &bench->gap_ms);
            break;
        case 'o':
            take_rows(optarg, &bench->rows);
            break;
        default:
            fail("an unknown option");
        }
    }
    if (optind + 1 != argc || options->redis == NULL) {
        fail("one MODE and --redis are wanted");
    }
    if (bench->rows != BENCH_ROWS_NONE && options->database == NULL) {
        fail("rows are in a --database");
    }
    if (strcmp(argv[optind], "push") != 0 && bench->batch > QUEUE_TAKE_MAX) {
        fail("no more jobs than that are taken at once");
    }
}

static void on_checked(void *owner, const struct err *err)
{
    int *answers = owner;
    queue_bench_check(err);
    (*answers)++;
}

static void count_one(void *owner)
{
    int *count = owner;
    (*count)++;
}

static void run_until(struct queue_bench *bench, const int *count, int wanted)
{
    while (*count < wanted) {
        uv_run(loop_uv(bench->loop), UV_RUN_ONCE);
    }
}

/* Opens what the mode needs, and waits until connections stand, so that making them is not measured. */
static void open_parts(struct queue_bench *bench, const struct options *options)
{
    struct err err = {.code = ERR_NONE};
    struct redis_options redis = {options->redis, CALL_MS, CALL_MS};
    struct queue_stats stats;
    int answers = 0;
    bench->loop = loop_new(&err);
    queue_bench_check(&err);
    bench->verbs = redis_open(bench->loop, &redis, &err);
    bench->waits = redis_open(bench->loop, &redis, &err);
    bench->pushes = redis_open(bench->loop, &redis, &err);
    queue_bench_check(&err);
    bench->queue = queue_new(bench->loop, bench->verbs, bench->waits, "bench");
    bench->pushes_queue = queue_new(bench->loop, bench->pushes, bench->pushes, "bench");
    queue_stats(bench->queue, &stats, on_checked, &answers);
    queue_stats(bench->pushes_queue, &stats, on_checked, &answers);
    run_until(bench, &answers, 2);
    if (bench->rows != BENCH_ROWS_NONE) {
        bench->db = db_open(bench->loop,
                            &(struct db_options){options->database, DATABASE_CONNECTIONS, CALL_MS}, &err);
        queue_bench_check(&err);
        answers = 0;
        db_check(bench->db, on_checked, &answers);
        run_until(bench, &answers, 1);
    }
}

static void close_parts(struct queue_bench *bench)
{
    int closed = 0;
    int parts = 3;
    redis_close(bench->verbs, count_one, &closed);
    redis_close(bench->pushes, count_one, &closed);
    redis_close(bench->waits, count_one, &closed);
    if (bench->db != NULL) {
        db_close(bench->db, count_one, &closed);
        parts++;
    }
    run_until(bench, &closed, parts);
    loop_run(bench->loop);
    queue_free(bench->queue);
    queue_free(bench->pushes_queue);
    loop_free(bench->loop);
}

static int64_t cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void print_latency(int64_t *latency_us, int64_t count)
{
    qsort(latency_us, (size_t)count, sizeof *latency_us, compare);
    printf(" p50_us=%" PRId64 " p99_us=%" PRId64 " max_us=%" PRId64, latency_us[count / 2],
           latency_us[count * 99 / 100], latency_us[count - 1]);
}

int main(int argc, char **argv)
{
    struct queue_bench bench = {.jobs = 1000, .batch = 1, .lanes = 1, .gap_ms = 3};
    struct options options = {.redis = NULL};
    read_options(argc, argv, &bench, &options);
    const char *mode = argv[optind];
    int64_t *latency_us = calloc((size_t)bench.jobs, sizeof *latency_us);
    if (latency_us == NULL) {
        fail("no memory");
    }
    open_parts(&bench, &options);
    int64_t cpu_began_us = cpu_us();
    uint64_t began_us = clock_monotonic_us();
    if (strcmp(mode, "push") == 0) {
        queue_bench_push(&bench);
    } else if (strcmp(mode, "work") == 0) {
        queue_bench_work(&bench);
    } else if (strcmp(mode, "latency") == 0) {
        queue_bench_latency(&bench, latency_us);
    } else {
        fail("MODE is push, work or latency");
    }
    printf("jobs=%" PRId64 " missed=%" PRId64 " wall_us=%" PRIu64 " cpu_us=%" PRId64, bench.done,
           bench.missed, clock_monotonic_us() - began_us, cpu_us() - cpu_began_us);
    if (strcmp(mode, "latency") == 0) {
        print_latency(latency_us, bench.jobs);
    }
    printf("\n");
    close_parts(&bench);
    free(latency_us);
    return bench.missed == 0 ? 0 : 1;
}
