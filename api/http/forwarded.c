// SPDX-License-Identifier: Apache-2.0
#include "api/http/forwarded.h"

#include "api/http/headers.h"
#include "common/base/arena.h"
#include "common/base/text.h"

#include <arpa/inet.h>

enum { ADDRESS_BYTES = 16, ENTRY_BYTES = 64 };

struct address {
    int family;
    unsigned bits; /* of a whole address of the family */
    unsigned char bytes[ADDRESS_BYTES];
};

static bool read_address(const char *text, struct address *address)
{
    if (inet_pton(AF_INET, text, address->bytes) == 1) {
        address->family = AF_INET;
        address->bits = 32;
        return true;
    }
    address->family = AF_INET6;
    address->bits = 128;
    return inet_pton(AF_INET6, text, address->bytes) == 1;
}

static bool has_prefix(const struct address *address, const struct address *network, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;
    if (memcmp(address->bytes, network->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || (address->bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}

/* True where an entry, "ADDRESS" or "ADDRESS/BITS", covers the address. A malformed entry covers nothing. */
static bool entry_covers(char *entry, const struct address *address)
{
    struct address network;
    char *slash = strchr(entry, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    if (!read_address(entry, &network) || network.family != address->family) {
        return false;
    }
    int64_t bits = network.bits;
    if (slash != NULL && text_int64(slash + 1, 0, network.bits, &bits) != 0) {
        return false;
    }
    return has_prefix(address, &network, (unsigned)bits);
}

bool forwarded_is_trusted(const char *proxies, const char *peer)
{
    struct address address;
    if (!read_address(peer, &address)) {
        return false;
    }
    while (*proxies != '\0') {
        proxies += strspn(proxies, ", \t");
        size_t bytes = strcspn(proxies, ", \t");
        char entry[ENTRY_BYTES];
        if (bytes > 0 && bytes < sizeof entry) {
            memcpy(entry, proxies, bytes);
            entry[bytes] = '\0';
            if (entry_covers(entry, &address)) {
                return true;
            }
        }
        proxies += bytes;
    }
    return false;
}

/* The last of the values that commas separate. */
static const char *last_value(struct arena *arena, const char *value)
{
    const char *comma = strrchr(value, ',');
    const char *last = comma == NULL ? value : comma + 1;
    last += strspn(last, " \t");
    size_t bytes = strlen(last);
    while (bytes > 0 && (last[bytes - 1] == ' ' || last[bytes - 1] == '\t')) {
        bytes--;
    }
    return arena_copy(arena, last, bytes);
}

const char *forwarded_origin(struct arena *arena, const struct forwarded_fields *fields, const char *proxies)
{
    const char *scheme = "http";
    const char *host = fields->host;
    if (forwarded_is_trusted(proxies, fields->peer)) {
        const char *proto = fields->proto == NULL ? "" : last_value(arena, fields->proto);
        const char *other = fields->forwarded_host == NULL ? "" : last_value(arena, fields->forwarded_host);
        if (text_equal_nocase(proto, "https")) {
            scheme = "https";
        }
        if (headers_is_host(other)) {
            host = other;
        }
    }
    if (host == NULL || !headers_is_host(host)) {
        return NULL;
    }
    return arena_format(arena, "%s://%s", scheme, host);
}
