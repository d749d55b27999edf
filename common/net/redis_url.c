// SPDX-License-Identifier: Apache-2.0
#include "common/net/redis_url.h"

#include "common/base/text.h"

#include <string.h>

enum { MOST_DB = 65535 };

/* Copies bytes from..end, percent-decoded, as a string without NUL inside; returns 0 or -1. */
static int copy_decoded(char *out, size_t size, const char *from, const char *end)
{
    size_t used = 0;
    while (from < end) {
        char c = *from++;
        if (c == '%') {
            if (end - from < 2) {
                return -1;
            }
            const char digits[3] = {from[0], from[1], '\0'};
            unsigned char byte = 0;
            if (text_of_hex(digits, &byte, 1) != 0) {
                return -1;
            }
            c = (char)byte;
            from += 2;
        }
        if (c == '\0' || used + 1 >= size) {
            return -1;
        }
        out[used++] = c;
    }
    out[used] = '\0';
    return 0;
}

static int copy_plain(char *out, size_t size, const char *from, const char *end)
{
    size_t bytes = (size_t)(end - from);
    if (bytes >= size) {
        return -1;
    }
    memcpy(out, from, bytes);
    out[bytes] = '\0';
    return 0;
}

static int read_who(const char *from, const char *end, struct redis_url *url)
{
    const char *colon = memchr(from, ':', (size_t)(end - from));
    if (colon == NULL) {
        return copy_decoded(url->password, sizeof url->password, from, end);
    }
    return copy_decoded(url->user, sizeof url->user, from, colon) == 0 &&
                   copy_decoded(url->password, sizeof url->password, colon + 1, end) == 0
               ? 0
               : -1;
}

/* Reads host[:port] or [address][:port]. */
static int read_where(const char *from, const char *end, struct redis_url *url)
{
    const char *host_end = NULL;
    if (from < end && *from == '[') {
        from++;
        host_end = memchr(from, ']', (size_t)(end - from));
        if (host_end == NULL || copy_plain(url->host, sizeof url->host, from, host_end) != 0) {
            return -1;
        }
        host_end++;
    } else {
        host_end = memchr(from, ':', (size_t)(end - from));
        host_end = host_end == NULL ? end : host_end;
        if (copy_plain(url->host, sizeof url->host, from, host_end) != 0) {
            return -1;
        }
    }
    if (url->host[0] == '\0') {
        return -1;
    }
    if (host_end == end) {
        return text_copy(url->port, sizeof url->port, "6379");
    }
    int64_t port = 0;
    if (*host_end != ':' || copy_plain(url->port, sizeof url->port, host_end + 1, end) != 0) {
        return -1;
    }
    return text_int64(url->port, 1, 65535, &port);
}

static int read_tcp(const char *text, struct redis_url *url, struct err *err)
{
    const char *end = text + strcspn(text, "/?#");
    int64_t db = 0;
    if (end[0] == '/' && end[1] != '\0' && text_int64(end + 1, 0, MOST_DB, &db) != 0) {
        return err_set(err, ERR_CONFIG, "the Redis URL's database is no number from 0 to %d", MOST_DB);
    }
    if (end[0] == '?' || end[0] == '#') {
        return err_set(err, ERR_CONFIG, "the Redis URL has a query or fragment");
    }
    const char *at = memchr(text, '@', (size_t)(end - text));
    if (at != NULL && read_who(text, at, url) != 0) {
        return err_set(err, ERR_CONFIG, "the Redis URL's user or password is too long or wrongly encoded");
    }
    if (read_where(at == NULL ? text : at + 1, end, url) != 0) {
        return err_set(err, ERR_CONFIG, "the Redis URL has no host or a wrong port");
    }
    url->db = (int)db;
    return 0;
}

int redis_url_read(const char *text, struct redis_url *out, struct err *err)
{
    struct redis_url url = {.db = 0};
    if (text_starts_with(text, "redis://")) {
        if (read_tcp(text + strlen("redis://"), &url, err) != 0) {
            return -1;
        }
    } else if (text_starts_with(text, "unix:/")) {
        if (text_copy(url.path, sizeof url.path, text + strlen("unix:")) != 0) {
            return err_set(err, ERR_CONFIG, "the path of the Redis socket has more than %d bytes",
                           REDIS_URL_PATH_BYTES - 1);
        }
    } else {
        return err_set(err, ERR_CONFIG, "the Redis URL starts neither with redis:// nor with unix:/");
    }
    *out = url;
    return 0;
}
