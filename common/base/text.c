// SPDX-License-Identifier: Apache-2.0
#include "common/base/text.h"

#include <errno.h>
#include <strings.h>

int text_int64(const char *text, int64_t least, int64_t most, int64_t *out)
{
    const char *digits = *text == '-' ? text + 1 : text;
    if (*digits < '0' || *digits > '9') {
        return -1;
    }
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < least || value > most) {
        return -1;
    }
    *out = value;
    return 0;
}

int text_copy(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length >= size) {
        return -1;
    }
    memcpy(out, text, length + 1);
    return 0;
}

bool text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_equal_nocase(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

/* The length of the well-formed sequence at `at` (RFC 3629, section 4), or 0. */
static size_t utf8_sequence(const unsigned char *at, size_t left)
{
    if (at[0] >= 0x01 && at[0] < 0x80) {
        return 1;
    }
    if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        return left >= 2 && (at[1] & 0xc0) == 0x80 ? 2 : 0;
    }
    if (at[0] >= 0xe0 && at[0] <= 0xef) {
        unsigned char low = at[0] == 0xe0 ? 0xa0 : 0x80;
        unsigned char high = at[0] == 0xed ? 0x9f : 0xbf;
        return left >= 3 && at[1] >= low && at[1] <= high && (at[2] & 0xc0) == 0x80 ? 3 : 0;
    }
    if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        unsigned char low = at[0] == 0xf0 ? 0x90 : 0x80;
        unsigned char high = at[0] == 0xf4 ? 0x8f : 0xbf;
        return left >= 4 && at[1] >= low && at[1] <= high && (at[2] & 0xc0) == 0x80 && (at[3] & 0xc0) == 0x80
                   ? 4
                   : 0;
    }
    return 0;
}

bool text_is_utf8(const char *text, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)text;
    for (size_t done = 0; done < bytes;) {
        size_t length = utf8_sequence(at + done, bytes - done);
        if (length == 0) {
            return false;
        }
        done += length;
    }
    return true;
}

size_t text_characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

void text_hex(const unsigned char *data, size_t bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * bytes] = '\0';
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

int text_of_hex(const char *text, unsigned char *out, size_t bytes)
{
    if (strlen(text) != 2 * bytes) {
        return -1;
    }
    for (size_t i = 0; i < 2 * bytes; i++) {
        if (hex_value(text[i]) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (unsigned char)(hex_value(text[2 * i]) * 16 + hex_value(text[2 * i + 1]));
    }
    return 0;
}
