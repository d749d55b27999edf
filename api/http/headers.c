// SPDX-License-Identifier: Apache-2.0
#include "api/http/headers.h"

#include "common/base/arena.h"
#include "common/base/text.h"

#include <strings.h>

static bool is_alphanumeric(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool headers_is_token_byte(unsigned char c)
{
    return is_alphanumeric(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

size_t headers_count(const struct headers *headers, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < headers->count; i++) {
        count += text_equal_nocase(headers->items[i].name, name);
    }
    return count;
}

const char *headers_first(const struct headers *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (text_equal_nocase(headers->items[i].name, name)) {
            return headers->items[i].value;
        }
    }
    return NULL;
}

const char *headers_joined(const struct headers *headers, struct arena *arena, const char *name)
{
    if (headers_count(headers, name) <= 1) {
        return headers_first(headers, name);
    }
    size_t bytes = 0;
    for (size_t i = 0; i < headers->count; i++) {
        if (text_equal_nocase(headers->items[i].name, name)) {
            bytes += strlen(headers->items[i].value) + 2;
        }
    }
    char *joined = arena_alloc(arena, bytes + 1);
    char *at = joined;
    for (size_t i = 0; i < headers->count; i++) {
        if (text_equal_nocase(headers->items[i].name, name)) {
            at += snprintf(at, bytes + 1 - (size_t)(at - joined), "%s%s", at == joined ? "" : ", ",
                           headers->items[i].value);
        }
    }
    return joined;
}

static bool lists_token(const char *value, const char *token)
{
    size_t length = strlen(token);
    while (*value != '\0') {
        value += strspn(value, " \t,");
        size_t item = strcspn(value, " \t,");
        if (item == length && strncasecmp(value, token, length) == 0) {
            return true;
        }
        value += strcspn(value, ",");
    }
    return false;
}

bool headers_has_token(const struct headers *headers, const char *name, const char *token)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (text_equal_nocase(headers->items[i].name, name) && lists_token(headers->items[i].value, token)) {
            return true;
        }
    }
    return false;
}

bool headers_is_host(const char *value)
{
    const char *at = value;
    if (*at == '[') {
        size_t inside = strspn(at + 1, "0123456789abcdefABCDEF:.");
        if (inside == 0 || at[1 + inside] != ']') {
            return false;
        }
        at += inside + 2;
    } else {
        while (is_alphanumeric((unsigned char)*at) ||
               (*at != '\0' && strchr("-._~%!$&'()*+,;=", *at) != NULL)) {
            at++;
        }
        if (at == value) {
            return false;
        }
    }
    if (*at == ':') {
        at++;
        size_t digits = strspn(at, "0123456789");
        if (digits > 5) {
            return false;
        }
        at += digits;
    }
    return *at == '\0';
}
