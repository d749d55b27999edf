// SPDX-License-Identifier: Apache-2.0
/*
 * The log: one JSON object a line on standard error, one write() a line, so that processes can share the stream.
 *
 * The message is a constant sentence; values are fields:
 *     log_warn("a codec died", log_int("pid", pid), log_text("cause", cause));
 * debug: for a developer. info: what an operator may want to know. warn: we went on. error: someone lost something.
 * common/ logs at debug only; whoever decides logs, once. No secrets and no bytes of users' files.
 */
#ifndef PIXMILL_BASE_LOG_H
#define PIXMILL_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *name; /* NULL ends the list */
    enum { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_KNOWN } type;
    const char *text;
    int64_t number;
};

/* Sets the program's name for every line, and the least level that is written. name lives as long as the process. */
void log_start(const char *name, enum log_level least);

/* Reads "debug", "info", "warn" or "error" into *level. Returns false for another word. */
bool log_level_of_word(const char *word, enum log_level *level);

/* A field with a string; NULL is written as null. The text must live until the line is written. */
struct log_field log_text(const char *name, const char *text);

/* As log_text, but no field at all where the text is NULL or empty. */
struct log_field log_known(const char *name, const char *text);

/* A field with a number. */
struct log_field log_int(const char *name, int64_t number);

/* The field "error" with the word and sentence of an error. */
struct log_field log_err(const struct err *err);

/* Writes one line; the fields end with log_end(). Use the macros below, which end the list. */
void log_write(enum log_level level, const char *message, ...);
struct log_field log_end(void);

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__, log_end())
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__, log_end())
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__, log_end())
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__, log_end())

#endif
