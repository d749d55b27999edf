// SPDX-License-Identifier: Apache-2.0
#include "api/route/base_url.h"

#include "api/http/forwarded.h"
#include "api/http/request.h"
#include "common/base/arena.h"
#include "common/config/config.h"

#include <string.h>

const char *base_url(struct request *request, const struct config *config)
{
    struct arena *arena = request_arena(request);
    size_t bytes = strlen(config->public_url);
    while (bytes > 0 && config->public_url[bytes - 1] == '/') {
        bytes--;
    }
    if (bytes > 0) {
        return arena_copy(arena, config->public_url, bytes);
    }
    struct forwarded_fields fields = {
        .peer = request_peer(request),
        .host = request_header(request, "Host"),
        .proto = request_header(request, "X-Forwarded-Proto"),
        .forwarded_host = request_header(request, "X-Forwarded-Host"),
    };
    const char *origin = forwarded_origin(arena, &fields, config->trusted_proxies);
    /* HTTP/1.0 knows no Host: relative URLs are all that can be said. */
    return origin ? origin : "";
}
