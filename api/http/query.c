// SPDX-License-Identifier: Apache-2.0
#include "api/http/query.h"

#include "common/base/arena.h"
#include "common/base/text.h"

/* The byte that "%XX" at `at` stands for, or -1. */
static int escaped_byte(const char *at, size_t bytes)
{
    unsigned char byte = 0;
    if (bytes < 3) {
        return -1;
    }
    const char digits[3] = {at[1], at[2], '\0'};
    return text_of_hex(digits, &byte, 1) == 0 ? byte : -1;
}

/*
 * The value of a form-encoded word. A "%" that starts no escape stands for itself, as in the WHATWG's decoder. NULL where the
 * result is no UTF-8.
 */
static char *decode_value(struct arena *arena, const char *text, size_t bytes)
{
    char *out = arena_alloc(arena, bytes + 1);
    size_t used = 0;
    for (size_t at = 0; at < bytes; at++) {
        int byte = text[at] == '%' ? escaped_byte(text + at, bytes - at) : -1;
        if (byte >= 0) {
            out[used++] = (char)byte;
            at += 2;
        } else {
            out[used++] = text[at];
            if (text[at] == '+') {
                out[used - 1] = ' ';
            }
        }
    }
    return text_is_utf8(out, used) ? out : NULL;
}

const char *query_value(struct arena *arena, const char *query, const char *name)
{
    while (*query != '\0') {
        size_t pair = strcspn(query, "&");
        const char *equals = memchr(query, '=', pair);
        size_t name_bytes = equals == NULL ? pair : (size_t)(equals - query);
        const char *found = decode_value(arena, query, name_bytes);
        if (pair > 0 && found != NULL && strcmp(found, name) == 0) {
            return equals == NULL ? "" : decode_value(arena, equals + 1, pair - name_bytes - 1);
        }
        query += pair;
        query += *query == '&';
    }
    return NULL;
}

bool query_has(struct arena *arena, const char *query, const char *name)
{
    while (*query != '\0') {
        size_t pair = strcspn(query, "&");
        const char *found = decode_value(arena, query, strcspn(query, "&="));
        if (pair > 0 && found != NULL && strcmp(found, name) == 0) {
            return true;
        }
        query += pair;
        query += *query == '&';
    }
    return false;
}

static bool is_listed(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

const char *query_unknown(struct arena *arena, const char *query, const char *const *names,
                          const char *const *more)
{
    while (*query != '\0') {
        size_t pair = strcspn(query, "&");
        const char *name = decode_value(arena, query, strcspn(query, "&="));
        if (pair > 0 && name == NULL) {
            return "?"; /* what can not even be said */
        }
        if (pair > 0 && !is_listed(name, names) && !is_listed(name, more)) {
            return name;
        }
        query += pair;
        query += *query == '&';
    }
    return NULL;
}

char *query_decode_path(struct arena *arena, const char *path, size_t bytes)
{
    char *out = arena_alloc(arena, bytes + 1);
    size_t used = 0;
    for (size_t at = 0; at < bytes; at++) {
        int byte = (unsigned char)path[at];
        if (path[at] == '%') {
            byte = escaped_byte(path + at, bytes - at);
            if (byte <= 0 || byte == '/') {
                return NULL;
            }
            at += 2;
        }
        out[used++] = (char)byte;
    }
    return text_is_utf8(out, used) ? out : NULL;
}

char *query_encode(struct arena *arena, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = arena_alloc(arena, 3 * strlen(text) + 1);
    char *at = out;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                        c == '-' || c == '.' || c == '_' || c == '~';
        if (is_plain) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    return out;
}
