// SPDX-License-Identifier: Apache-2.0
/*
 * What the C contenders of tests/bench/pipeline have in common: a process that is told on its standard input which file to work on, and
 * answers on its standard output.
 *
 *     in     PATH METHOD QUALITY PREFIX      libwebp's method and quality; PREFIX "-" keeps no file, else PREFIX.NAME is written
 *     out    variant NAME BYTES              as soon as the variant is there
 *            done CPU_US STAGE=CPU_US...     of the work alone: the file was read before
 *
 * A fault ends the process with a sentence on standard error.
 */
#ifndef PIXMILL_TESTS_BENCH_BENCH_LINE_H
#define PIXMILL_TESTS_BENCH_BENCH_LINE_H

#include <stddef.h>

enum { BENCH_THUMBNAIL_PX = 200, BENCH_MEDIUM_PX = 800, BENCH_THUMBNAIL_Q = 85, BENCH_MEDIUM_Q = 90 };

struct bench_job {
    const unsigned char *data;
    size_t bytes;
    int method;
    float quality;
};

typedef void (*bench_job_fn)(const struct bench_job *job);

/* Answers lines until the input ends; returns what main returns. */
int bench_serve(bench_job_fn run);

/* Tells that a variant is there. */
void bench_variant(const char *name, const unsigned char *data, size_t bytes);

/* Ends the stage that began with the job or with the call before. */
void bench_stage(const char *name);

/* Prints a sentence and ends the process. */
void bench_fail(const char *sentence) __attribute__((noreturn));

#endif
