// SPDX-License-Identifier: Apache-2.0
/*
 * The address of a Redis server, read from a URL. Pure.
 */
#ifndef PIXMILL_NET_REDIS_URL_H
#define PIXMILL_NET_REDIS_URL_H

#include "common/base/err.h"

#include <stddef.h>

enum { REDIS_URL_TEXT_BYTES = 256, REDIS_URL_PATH_BYTES = 108 }; /* sun_path of unix(7) */

struct redis_url {
    char path[REDIS_URL_PATH_BYTES];     /* of a Unix socket; "" for TCP */
    char host[REDIS_URL_TEXT_BYTES];     /* name or address, without the brackets of IPv6 */
    char port[6];                        /* decimal, 1..65535 */
    char user[REDIS_URL_TEXT_BYTES];     /* "" for Redis' default user */
    char password[REDIS_URL_TEXT_BYTES]; /* "" for none */
    int db;
};

/*
 * Reads redis://[[user:]password@]host[:port][/db] (user and password percent-encoded, RFC 3986 2.1; IPv6 in
 * brackets) or unix:/path. Returns 0, or -1 with ERR_CONFIG, whose sentence holds nothing of the URL, since
 * there may be a password in it.
 */
int redis_url_read(const char *text, struct redis_url *url, struct err *err) MUST_CHECK;

#endif
