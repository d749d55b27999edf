// SPDX-License-Identifier: Apache-2.0
/*
 * Small questions about strings. Pure: no allocation, no locale.
 */
#ifndef PIXMILL_BASE_TEXT_H
#define PIXMILL_BASE_TEXT_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Reads a whole decimal integer ("-12"); returns 0, or -1 where text is anything else or outside least..most. */
int text_int64(const char *text, int64_t least, int64_t most, int64_t *out) MUST_CHECK;

/* Copies text, NUL-terminated, into out of `size` bytes; returns 0, or -1 (out untouched) where it does not fit. */
int text_copy(char *out, size_t size, const char *text) MUST_CHECK;

/* True where a string starts with prefix. */
bool text_starts_with(const char *text, const char *prefix);

/* True where two strings are the same but for the case of ASCII letters. */
bool text_equal_nocase(const char *a, const char *b);

/* True where `bytes` bytes are well-formed UTF-8 (RFC 3629) with no NUL in them. */
bool text_is_utf8(const char *text, size_t bytes);

/* The number of characters (code points) of a UTF-8 string. */
size_t text_characters(const char *text);

/* Writes 2 * bytes lower-case hexadecimal digits and a NUL to out. */
void text_hex(const unsigned char *data, size_t bytes, char *out);

/* Reads 2 * bytes hexadecimal digits into out; returns 0, or -1 where text is not exactly that. */
int text_of_hex(const char *text, unsigned char *out, size_t bytes) MUST_CHECK;

#endif
