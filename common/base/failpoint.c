// SPDX-License-Identifier: Apache-2.0
#include "common/base/failpoint.h"

#ifndef PIXMILL_FAILPOINTS

int failpoint_arm(const char *spec, struct err *err)
{
    return spec[0] == '\0'
               ? 0
               : err_set(err, ERR_CONFIG,
                         "failpoints are armed, and this build has none (CMake: PIXMILL_FAILPOINTS)");
}

#else

#include "common/base/text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
    MOST_POINTS = 16,
    NAME_BYTES = 48,
    PATH_BYTES = 256,
    MOST_PASSES = 1000000,
    HANG = -1,
    LOOK_AGAIN_MS = 5
};

struct point {
    char name[NAME_BYTES];
    char path[PATH_BYTES]; /* of an error: while a file is there */
    int errnum;            /* 0: death; HANG */
    int64_t at;            /* of a death: at which pass */
    atomic_llong passes;
};

/*
 * The one mutable table of the project beside the log's level: a point is passed in the depth of any part and on any thread, so
 * there is no struct that it could hang on. It is written once, before threads, and is not in programs that are delivered.
 */
static struct {
    size_t count;
    struct point points[MOST_POINTS];
} armed;

static const struct {
    const char *name;
    int errnum;
} errors[] = {{"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EIO", EIO},
              {"EROFS", EROFS},   {"EACCES", EACCES}, {"EMFILE", EMFILE},
              {"ENOENT", ENOENT}, {"ESTALE", ESTALE}, {"HANG", HANG}};

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._";

static int parse_error(const char *text, struct point *point)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon[1] != '/' || text_copy(point->path, sizeof point->path, colon + 1) != 0) {
        return -1;
    }
    size_t length = (size_t)(colon - text);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (strlen(errors[i].name) == length && memcmp(errors[i].name, text, length) == 0) {
            point->errnum = errors[i].errnum;
            return 0;
        }
    }
    return -1;
}

/* One of the points between the commas; it is cut in two in place. */
static int parse(char *word, struct point *point)
{
    size_t length = strspn(word, name_letters);
    char mark = word[length];
    *point = (struct point){.at = 1};
    word[length] = '\0';
    if (length == 0 || text_copy(point->name, sizeof point->name, word) != 0) {
        return -1;
    }
    switch (mark) {
    case '\0':
        return 0;
    case '@':
        return text_int64(word + length + 1, 1, MOST_PASSES, &point->at);
    case '=':
        return parse_error(word + length + 1, point);
    default:
        return -1;
    }
}

int failpoint_arm(const char *spec, struct err *err)
{
    for (const char *at = spec; *at != '\0';) {
        char word[NAME_BYTES + PATH_BYTES];
        size_t length = strcspn(at, ",");
        if (armed.count == MOST_POINTS) {
            return err_set(err, ERR_CONFIG, "more than %d failpoints", MOST_POINTS);
        }
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (length >= sizeof word || parse(word, &armed.points[armed.count]) != 0) {
            return err_set(err, ERR_CONFIG, "not a failpoint: %.*s", (int)(length < 100 ? length : 100), at);
        }
        armed.count++;
        at += length + (at[length] == ',');
    }
    return 0;
}

/* Not exit, which would run what a death does not run; and by raise, which the codec's cage lets through. */
static void die(const char *name)
{
    dprintf(STDERR_FILENO, "failpoint: %s\n", name);
    raise(SIGKILL);
    for (;;) {
        pause();
    }
}

void failpoint_pass(const char *name)
{
    for (size_t i = 0; i < armed.count; i++) {
        struct point *point = &armed.points[i];
        if (point->errnum == 0 && strcmp(point->name, name) == 0 &&
            atomic_fetch_add(&point->passes, 1) + 1 == point->at) {
            die(name);
        }
    }
}

bool failpoint_fails(const char *name, int *errnum)
{
    for (size_t i = 0; i < armed.count; i++) {
        const struct point *point = &armed.points[i];
        bool is_it = point->errnum != 0 && strcmp(point->name, name) == 0;
        while (is_it && point->errnum == HANG && access(point->path, F_OK) == 0) {
            poll(NULL, 0, LOOK_AGAIN_MS);
        }
        if (is_it && point->errnum != HANG && access(point->path, F_OK) == 0) {
            *errnum = point->errnum;
            return true;
        }
    }
    return false;
}

#endif
