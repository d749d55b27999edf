// SPDX-License-Identifier: Apache-2.0
/*
 * What a proxy in front says about the client's own request: X-Forwarded-Proto and X-Forwarded-Host, believed only where the peer of
 * the connection is a proxy that the operator named. Pure.
 */
#ifndef PIXMILL_HTTP_FORWARDED_H
#define PIXMILL_HTTP_FORWARDED_H

#include <stdbool.h>

struct arena;

struct forwarded_fields {
    const char *peer;  /* address of the connection's peer */
    const char *host;  /* Host; NULL where absent */
    const char *proto; /* X-Forwarded-Proto; NULL where absent */
    const char *forwarded_host;
};

/* True where peer is one of the addresses or networks ("10.0.0.0/8", "fd00::/8") in a list separated by commas. */
bool forwarded_is_trusted(const char *proxies, const char *peer);

/*
 * "scheme://host" of the URL that the client asked for, in the arena; NULL where no host is known. Of a field with several values,
 * the last counts: the nearest proxy wrote it.
 */
const char *forwarded_origin(struct arena *arena, const struct forwarded_fields *fields, const char *proxies);

#endif
