// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/bench_line.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_STAGES = 8 };

/* One process serves one job at a time, and says its lines from wherever it is. */
static struct {
    char prefix[400];
    int64_t began_us;
    int64_t stage_us;
    size_t stages;
    struct {
        const char *name;
        int64_t us;
    } stage[MOST_STAGES];
} now;

void bench_fail(const char *sentence)
{
    fprintf(stderr, "%s\n", sentence);
    exit(1);
}

static int64_t cpu_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static unsigned char *read_file(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        bench_fail("can not open the image");
    }
    long end = ftell(file);
    rewind(file);
    unsigned char *data = end > 0 ? malloc((size_t)end) : NULL;
    if (data == NULL || fread(data, 1, (size_t)end, file) != (size_t)end) {
        bench_fail("can not read the image");
    }
    fclose(file);
    *bytes = (size_t)end;
    return data;
}

void bench_variant(const char *name, const unsigned char *data, size_t bytes)
{
    printf("variant %s %zu\n", name, bytes);
    fflush(stdout);
    if (strcmp(now.prefix, "-") == 0) {
        return;
    }
    char path[512];
    snprintf(path, sizeof path, "%s.%s", now.prefix, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, bytes, file) != bytes || fclose(file) != 0) {
        bench_fail("can not write a variant");
    }
}

void bench_stage(const char *name)
{
    int64_t us = cpu_us();
    if (now.stages < MOST_STAGES) {
        now.stage[now.stages].name = name;
        now.stage[now.stages++].us = us - now.stage_us;
    }
    now.stage_us = us;
}

int bench_serve(bench_job_fn run)
{
    char line[1024];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char path[512];
        struct bench_job job;
        if (sscanf(line, "%511s %d %f %399s", path, &job.method, &job.quality, now.prefix) != 4) {
            bench_fail("PATH METHOD QUALITY PREFIX is expected");
        }
        unsigned char *data = read_file(path, &job.bytes);
        job.data = data;
        now.stages = 0;
        now.began_us = now.stage_us = cpu_us();
        run(&job);
        printf("done %" PRId64, cpu_us() - now.began_us);
        for (size_t i = 0; i < now.stages; i++) {
            printf(" %s=%" PRId64, now.stage[i].name, now.stage[i].us);
        }
        printf("\n");
        fflush(stdout);
        free(data);
    }
    return 0;
}
