// SPDX-License-Identifier: Apache-2.0
/*
 * An error is a code of err_codes.def and a sentence for our own log.
 *
 * What can fail returns 0 or -1, is MUST_CHECK, and takes `struct err *err` last. On success err is untouched; on
 * failure the out-parameters are. err may be NULL where the caller wants no detail. Clients never see the sentence:
 * they get the code's own text (err_text). Asynchronous calls answer through a done_fn instead.
 */
#ifndef PIXMILL_BASE_ERR_H
#define PIXMILL_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

enum err_code {
    ERR_NONE = 0,
#define ERR_CODE(name, word, http, may_pass, text) ERR_##name,
#include "common/base/err_codes.def"
#undef ERR_CODE
    ERR_CODE_COUNT
};

struct err {
    enum err_code code;
    char sentence[256]; /* NUL-terminated, cut at its end where longer */
};

/*
 * The one way an asynchronous call answers: exactly once, never before the call has returned. err is NULL on
 * success, and otherwise lives until done returns. Out-parameters given to the call are filled before done runs,
 * so they and the owner must live until then.
 */
typedef void (*done_fn)(void *owner, const struct err *err);

/* Sets *err to code and a formatted sentence. Returns -1, so that `return err_set(...)` reads well. */
int err_set(struct err *err, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* As err_set, with ": " and the system's text for errnum (an errno value) at the sentence's end. Returns -1. */
int err_set_errno(struct err *err, enum err_code code, int errnum, const char *format, ...) PRINTF_LIKE(4, 5);

/* Puts "CONTEXT: " before the sentence that *err has, on the way up. Returns -1. */
int err_context(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* The contract's word of a code ("too_small"); "none" for ERR_NONE. Static memory. */
const char *err_word(enum err_code code);

/* The code whose word this is (the first in the table where two share a word), or ERR_INTERNAL where no code has it. */
enum err_code err_of_word(const char *word);

/* The HTTP status of an answer that carries the code (RFC 9110). */
int err_http_status(enum err_code code);

/* The sentence that a client sees. Static memory. */
const char *err_text(enum err_code code);

/* True where the same attempt, made later, may succeed: the retry rules ask this. */
bool err_may_pass(enum err_code code);

#endif
