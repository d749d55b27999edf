// SPDX-License-Identifier: Apache-2.0
/*
 * Codecs that lie, hang and crash: the side of a codec process, for the one test that runs itself as such.
 */
#ifndef PIXMILL_TESTS_FAKE_CODEC_H
#define PIXMILL_TESTS_FAKE_CODEC_H

#include "worker/wire/wire.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static void fake_send(enum wire_type type, uint64_t ticket, const struct wire_frame *like)
{
    struct wire_frame frame = like != NULL ? *like : (struct wire_frame){.type = type};
    frame.type = type;
    frame.ticket = ticket;
    if (wire_send(WIRE_SOCKET_FD, &frame, NULL, 0, NULL) != 0) {
        _exit(3);
    }
}

static void fake_variant_of(uint64_t ticket, unsigned index, int side_px, int64_t bytes)
{
    struct wire_frame frame = {
        .variant = {.index = index, .width_px = side_px, .height_px = side_px, .bytes = bytes}};
    fake_send(WIRE_VARIANT, ticket, &frame);
}

static void fake_write(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        _exit(4);
    }
}

/* decode_us is the process' id, so that a test can tell processes apart. */
static void fake_done(uint64_t ticket)
{
    struct wire_frame frame = {.done = {.width_px = 90,
                                        .height_px = 100,
                                        .decode_us = getpid(),
                                        .peak_bytes = 1000,
                                        .blurhash = "LEHV6nWB2yk8pyo0adR*.7kCMdnj"}};
    fake_send(WIRE_DONE, ticket, &frame);
}

static void fake_failed(uint64_t ticket, enum err_code code)
{
    struct wire_frame frame = {.failed = {.code = code, .sentence = "not\nnice"}};
    fake_send(WIRE_FAILED, ticket, &frame);
}

static void fake_head(uint64_t ticket)
{
    struct wire_frame frame = {
        .head = {.width_px = 100, .height_px = 90, .upright_width_px = 90, .upright_height_px = 100}};
    fake_send(WIRE_HEAD, ticket, &frame);
}

static void fake_good(const struct wire_frame *job, const int *fds)
{
    fake_head(job->ticket);
    for (unsigned i = 0; i < job->job.profile.count; i++) {
        fake_write(fds[1 + i], "variant");
        fake_variant_of(job->ticket, i, 100, 7);
    }
    fake_done(job->ticket);
}

static void fake_crash(const struct wire_frame *job, const int *fds)
{
    (void)fds;
    fake_head(job->ticket);
    kill(getpid(), SIGKILL);
}

static void fake_hang(const struct wire_frame *job, const int *fds)
{
    (void)job;
    (void)fds;
    for (;;) {
        pause();
    }
}

static void fake_deaf(const struct wire_frame *job, const int *fds)
{
    close(WIRE_SOCKET_FD);
    fake_hang(job, fds);
}

static void fake_exits(const struct wire_frame *job, const int *fds)
{
    (void)job;
    (void)fds;
    _exit(7);
}

static void fake_spent(const struct wire_frame *job, const int *fds)
{
    (void)job;
    (void)fds;
    raise(SIGXCPU);
}

static void fake_garbage(const struct wire_frame *job, const int *fds)
{
    (void)fds;
    if (write(WIRE_SOCKET_FD, "garbage", 7) != 7) {
        _exit(5);
    }
    fake_hang(job, fds);
}

static void fake_other_ticket(const struct wire_frame *job, const int *fds)
{
    (void)fds;
    fake_head(job->ticket + 1);
    fake_hang(job, fds);
}

static void fake_twice(const struct wire_frame *job, const int *fds)
{
    fake_head(job->ticket);
    fake_write(fds[1], "variant");
    fake_variant_of(job->ticket, 0, 100, 7);
    fake_variant_of(job->ticket, 0, 100, 7);
    fake_hang(job, fds);
}

static void fake_unasked(const struct wire_frame *job, const int *fds)
{
    fake_head(job->ticket);
    fake_variant_of(job->ticket, (unsigned)job->job.profile.count, 100, 7);
    fake_hang(job, fds);
}

static void fake_large(const struct wire_frame *job, const int *fds)
{
    fake_head(job->ticket);
    fake_write(fds[1], "variant");
    fake_variant_of(job->ticket, 0, 201, 7);
    fake_hang(job, fds);
}

static void fake_long(const struct wire_frame *job, const int *fds)
{
    fake_head(job->ticket);
    fake_write(fds[1], "variant");
    fake_variant_of(job->ticket, 0, 1, INT64_C(1) << 40);
    fake_hang(job, fds);
}

static void fake_short_file(const struct wire_frame *job, const int *fds)
{
    fake_head(job->ticket);
    fake_write(fds[1], "vari");
    fake_variant_of(job->ticket, 0, 100, 7);
    fake_hang(job, fds);
}

/* A codec that could still change what it has declared ready. */
static void fake_mapped(const struct wire_frame *job, const int *fds)
{
    fake_head(job->ticket);
    fake_write(fds[1], "variant");
    if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0) == MAP_FAILED) {
        _exit(6);
    }
    fake_variant_of(job->ticket, 0, 100, 7);
    fake_hang(job, fds);
}

static void fake_incomplete(const struct wire_frame *job, const int *fds)
{
    fake_head(job->ticket);
    fake_write(fds[1], "variant");
    fake_variant_of(job->ticket, 0, 100, 7);
    fake_done(job->ticket);
    fake_hang(job, fds);
}

static void fake_headless(const struct wire_frame *job, const int *fds)
{
    fake_write(fds[1], "variant");
    fake_variant_of(job->ticket, 0, 100, 7);
    fake_hang(job, fds);
}

/* Neither as stored nor turned. */
static void fake_warped(const struct wire_frame *job, const int *fds)
{
    struct wire_frame frame = {
        .head = {.width_px = 100, .height_px = 90, .upright_width_px = 100, .upright_height_px = 91}};
    fake_send(WIRE_HEAD, job->ticket, &frame);
    fake_hang(job, fds);
}

static void fake_grows(const struct wire_frame *job, const int *fds)
{
    struct wire_frame frame = {
        .head = {.width_px = 80, .height_px = 90, .upright_width_px = 80, .upright_height_px = 90}};
    fake_send(WIRE_HEAD, job->ticket, &frame);
    for (unsigned i = 0; i < job->job.profile.count; i++) {
        fake_write(fds[1 + i], "variant");
        fake_variant_of(job->ticket, i, 80, 7);
    }
    fake_done(job->ticket);
    fake_hang(job, fds);
}

/* Leaves the first variant out, whether it may or not. */
static void fake_skips(const struct wire_frame *job, const int *fds)
{
    fake_head(job->ticket);
    fake_variant_of(job->ticket, 0, 100, 0);
    for (unsigned i = 1; i < job->job.profile.count; i++) {
        fake_write(fds[1 + i], "variant");
        fake_variant_of(job->ticket, i, 100, 7);
    }
    fake_done(job->ticket);
}

static void fake_corrupt(const struct wire_frame *job, const int *fds)
{
    (void)fds;
    fake_failed(job->ticket, ERR_CORRUPT_IMAGE);
}

/* With this code a codec could make its dispatcher believe that the database is away. */
static void fake_blames_us(const struct wire_frame *job, const int *fds)
{
    (void)fds;
    fake_failed(job->ticket, ERR_DATABASE);
}

static void fake_sends_fd(const struct wire_frame *job, const int *fds)
{
    struct wire_frame frame = {
        .type = WIRE_HEAD,
        .ticket = job->ticket,
        .head = {.width_px = 1, .height_px = 1, .upright_width_px = 1, .upright_height_px = 1}};
    if (wire_send(WIRE_SOCKET_FD, &frame, fds, 1, NULL) != 0) {
        _exit(3);
    }
    fake_hang(job, fds);
}

static void fake_floods(const struct wire_frame *job, const int *fds)
{
    (void)fds;
    for (;;) {
        fake_head(job->ticket);
    }
}

/* The answer is complete before the death, so the image is done. */
static void fake_last_words(const struct wire_frame *job, const int *fds)
{
    fake_good(job, fds);
    kill(getpid(), SIGKILL);
}

/* Reports what it can see of its dispatcher as the failure's code. */
static void fake_nosy(const struct wire_frame *job, const int *fds)
{
    extern char **environ;
    bool is_clean = environ[0] != NULL && environ[1] == NULL && strncmp(environ[0], "MALLOC_", 7) == 0;
    for (int fd = 4; fd < 1024; fd++) {
        bool is_given = false;
        for (unsigned i = 0; i <= job->job.profile.count; i++) {
            is_given = is_given || fds[i] == fd;
        }
        is_clean = is_clean && (is_given || fcntl(fd, F_GETFD) < 0);
    }
    fake_failed(job->ticket, is_clean ? ERR_CORRUPT_IMAGE : ERR_INTERNAL);
}

static const struct {
    const char *name;
    void (*run)(const struct wire_frame *job, const int *fds);
} fakes[] = {
    {"good", fake_good},
    {"crash", fake_crash},
    {"hang", fake_hang},
    {"deaf", fake_deaf},
    {"exits", fake_exits},
    {"spent", fake_spent},
    {"garbage", fake_garbage},
    {"other_ticket", fake_other_ticket},
    {"twice", fake_twice},
    {"unasked", fake_unasked},
    {"large", fake_large},
    {"long", fake_long},
    {"short_file", fake_short_file},
    {"mapped", fake_mapped},
    {"incomplete", fake_incomplete},
    {"headless", fake_headless},
    {"warped", fake_warped},
    {"grows", fake_grows},
    {"skips", fake_skips},
    {"corrupt", fake_corrupt},
    {"blames_us", fake_blames_us},
    {"sends_fd", fake_sends_fd},
    {"floods", fake_floods},
    {"last_words", fake_last_words},
    {"nosy", fake_nosy},
};

/* Lives as a codec until its dispatcher closes the socket. */
static int fake_main(const char *behaviour)
{
    if (strcmp(behaviour, "never_starts") == 0) {
        return WIRE_EXIT_CAGE;
    }
    if (strcmp(behaviour, "never_ready") == 0) {
        fake_hang(NULL, NULL);
    }
    fake_send(WIRE_READY, 0, NULL);
    for (;;) {
        struct wire_frame frame;
        int fds[WIRE_MAX_FDS];
        size_t count = 0;
        if (wire_receive(WIRE_SOCKET_FD, &frame, fds, &count, NULL) != WIRE_GOT_FRAME) {
            return 0;
        }
        for (size_t i = 0; i < sizeof fakes / sizeof fakes[0]; i++) {
            if (strcmp(fakes[i].name, behaviour) == 0) {
                fakes[i].run(&frame, fds);
            }
        }
        for (size_t i = 0; i < count; i++) {
            close(fds[i]);
        }
    }
}

#endif
