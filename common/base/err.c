// SPDX-License-Identifier: Apache-2.0
#include "common/base/err.h"

static const struct err_row {
    const char *word;
    const char *text;
    int http_status;
    bool may_pass;
} rows[ERR_CODE_COUNT] = {
    [ERR_NONE] = {"none", "", 200, false},
#define ERR_CODE(name, word, http, may_pass, text) [ERR_##name] = {word, text, http, may_pass},
#include "common/base/err_codes.def"
#undef ERR_CODE
};

static const struct err_row *row_of(enum err_code code)
{
    return &rows[(unsigned)code < ERR_CODE_COUNT ? code : ERR_INTERNAL];
}

/* Adds ": TEXT" behind the first `used` bytes of the sentence (what vsnprintf returned), cut where it does not fit. */
static void append(struct err *err, int used, const char *text)
{
    size_t at = used < 0 ? 0 : (size_t)used;
    if (at + 3 > sizeof err->sentence) {
        return;
    }
    size_t room = sizeof err->sentence - at - 3;
    size_t length = strnlen(text, room);
    memcpy(err->sentence + at, ": ", 2);
    memcpy(err->sentence + at + 2, text, length);
    err->sentence[at + 2 + length] = '\0';
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        err->code = code;
        vsnprintf(err->sentence, sizeof err->sentence, format, args);
        va_end(args);
    }
    return -1;
}

int err_set_errno(struct err *err, enum err_code code, int errnum, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        err->code = code;
        int used = vsnprintf(err->sentence, sizeof err->sentence, format, args);
        va_end(args);
        char text[128];
        append(err, used, strerror_r(errnum, text, sizeof text));
    }
    return -1;
}

int err_context(struct err *err, const char *format, ...)
{
    if (err != NULL) {
        char inner[sizeof err->sentence];
        memcpy(inner, err->sentence, sizeof inner);
        va_list args;
        va_start(args, format);
        int used = vsnprintf(err->sentence, sizeof err->sentence, format, args);
        va_end(args);
        append(err, used, inner);
    }
    return -1;
}

const char *err_word(enum err_code code)
{
    return row_of(code)->word;
}

enum err_code err_of_word(const char *word)
{
    for (unsigned code = 0; code < ERR_CODE_COUNT; code++) {
        if (strcmp(rows[code].word, word) == 0) {
            return (enum err_code)code;
        }
    }
    return ERR_INTERNAL;
}

int err_http_status(enum err_code code)
{
    return row_of(code)->http_status;
}

const char *err_text(enum err_code code)
{
    return row_of(code)->text;
}

bool err_may_pass(enum err_code code)
{
    return row_of(code)->may_pass;
}
