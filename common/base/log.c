// SPDX-License-Identifier: Apache-2.0
#include "common/base/log.h"
#include "common/base/clock.h"
#include "common/base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <unistd.h>

enum { LINE_BYTES = 2048 };

/* The log's level and name are the one global state beside the stop flag. */
static enum log_level least_level = LOG_INFO;
static const char *program = "pixmill";

static const char *const level_words[] = {"debug", "info", "warn", "error"};

struct line {
    char bytes[LINE_BYTES];
    size_t used;
};

/* Room is kept for the closing of an object, so a cut line is still JSON. */
static void put_raw(struct line *line, const char *text, size_t length)
{
    size_t room = LINE_BYTES - 4 - line->used;
    if (length <= room) {
        memcpy(line->bytes + line->used, text, length);
        line->used += length;
    }
}

static void put(struct line *line, const char *text)
{
    put_raw(line, text, strlen(text));
}

static void put_string(struct line *line, const char *text)
{
    put(line, "\"");
    for (const char *at = text; *at != '\0' && line->used < LINE_BYTES - 64; at++) {
        unsigned char byte = (unsigned char)*at;
        char escape[8];
        if (byte == '"' || byte == '\\') {
            escape[0] = '\\';
            escape[1] = (char)byte;
            put_raw(line, escape, 2);
        } else if (byte < 0x20 || byte >= 0x7f) {
            /* bytes, not characters: a log line must stay readable whatever a peer sent */
            snprintf(escape, sizeof escape, "\\u%04x", byte);
            put(line, escape);
        } else {
            put_raw(line, at, 1);
        }
    }
    put(line, "\"");
}

static void put_field(struct line *line, const struct log_field *field)
{
    bool is_left_out = field->type == LOG_FIELD_KNOWN && (field->text == NULL || field->text[0] == '\0');
    if (is_left_out || line->used > LINE_BYTES - 128) {
        return;
    }
    put(line, ",");
    put_string(line, field->name);
    put(line, ":");
    if (field->type == LOG_FIELD_INT) {
        char digits[24];
        snprintf(digits, sizeof digits, "%lld", (long long)field->number);
        put(line, digits);
    } else if (field->text == NULL) {
        put(line, "null");
    } else {
        put_string(line, field->text);
    }
}

void log_start(const char *name, enum log_level least)
{
    program = name;
    least_level = least;
}

bool log_level_of_word(const char *word, enum log_level *level)
{
    for (unsigned i = 0; i < sizeof level_words / sizeof level_words[0]; i++) {
        if (strcmp(word, level_words[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

struct log_field log_text(const char *name, const char *text)
{
    return (struct log_field){.name = name, .type = LOG_FIELD_TEXT, .text = text};
}

struct log_field log_known(const char *name, const char *text)
{
    return (struct log_field){.name = name, .type = LOG_FIELD_KNOWN, .text = text};
}

struct log_field log_int(const char *name, int64_t number)
{
    return (struct log_field){.name = name, .type = LOG_FIELD_INT, .number = number};
}

struct log_field log_err(const struct err *err)
{
    return log_text("error", err == NULL ? NULL : err->sentence);
}

struct log_field log_end(void)
{
    return (struct log_field){.name = NULL};
}

void log_write(enum log_level level, const char *message, ...)
{
    if (level < least_level) {
        return;
    }
    struct line line = {.used = 0};
    char when[CLOCK_TEXT_BYTES];
    clock_text(clock_wall_us(), when);
    put(&line, "{\"time\":");
    put_string(&line, when);
    put_field(&line, &(struct log_field){.name = "level", .text = level_words[level]});
    put_field(&line, &(struct log_field){.name = "program", .text = program});
    put_field(&line, &(struct log_field){.name = "pid", .type = LOG_FIELD_INT, .number = getpid()});
    put_field(&line, &(struct log_field){.name = "message", .text = message});
    va_list args;
    va_start(args, message);
    for (struct log_field field = va_arg(args, struct log_field); field.name != NULL;
         field = va_arg(args, struct log_field)) {
        put_field(&line, &field);
    }
    va_end(args);
    line.bytes[line.used++] = '}';
    line.bytes[line.used++] = '\n';
    /* nothing can be done about a log that can not be written */
    ssize_t written = write(STDERR_FILENO, line.bytes, line.used);
    (void)written;
}
