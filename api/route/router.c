// SPDX-License-Identifier: Apache-2.0
#include "api/route/router.h"

#include "common/base/arena.h"

#include <assert.h>
#include <string.h>

/* One part of a path or pattern: `bytes` bytes at text. */
struct part {
    const char *text;
    size_t bytes;
};

/* Takes the next part off *rest; false at the end. A last slash makes no part; "//" makes an empty one. */
static bool next_part(const char **rest, struct part *part)
{
    if (**rest != '/' || (*rest)[1] == '\0') {
        return false;
    }
    part->text = *rest + 1;
    part->bytes = strcspn(part->text, "/");
    *rest = part->text + part->bytes;
    return true;
}

static bool is_param(const struct part *part)
{
    return part->bytes > 2 && part->text[0] == '{' && part->text[part->bytes - 1] == '}';
}

static void add_param(struct arena *arena, struct route_match *match, const struct part *name,
                      const char *value, size_t bytes)
{
    assert(match->count < ROUTE_MAX_PARAMS);
    struct route_param *param = &match->params[match->count++];
    param->name = arena_copy(arena, name->text, name->bytes);
    param->value = arena_copy(arena, value, bytes);
}

/* "{name*}": the rest of the path, from its next part to its end without a last slash. */
static bool take_rest(struct arena *arena, struct route_match *match, struct part name, const char *rest)
{
    size_t bytes = *rest == '/' ? strlen(rest + 1) : 0;
    if (bytes > 0 && rest[bytes] == '/') {
        bytes--;
    }
    if (bytes == 0) {
        return false;
    }
    name.text++;
    name.bytes -= 3;
    add_param(arena, match, &name, rest + 1, bytes);
    return true;
}

/* True where the path fits; match then holds its parameters, and otherwise what it held is of no use. */
static bool pattern_fits(struct arena *arena, const char *pattern, const char *path,
                         struct route_match *match)
{
    struct part want;
    struct part have;
    match->count = 0;
    while (next_part(&pattern, &want)) {
        if (is_param(&want) && want.text[want.bytes - 2] == '*') {
            return take_rest(arena, match, want, path);
        }
        if (!next_part(&path, &have) || have.bytes == 0) {
            return false;
        }
        if (is_param(&want)) {
            struct part name = {want.text + 1, want.bytes - 2};
            add_param(arena, match, &name, have.text, have.bytes);
        } else if (want.bytes != have.bytes || memcmp(want.text, have.text, have.bytes) != 0) {
            return false;
        }
    }
    return !next_part(&path, &have);
}

/* The pattern that a path is meant for; NULL: none. */
static const char *choose_pattern(const struct route *routes, size_t count, struct arena *arena,
                                  const char *path)
{
    struct route_match tried;
    const char *chosen = NULL;
    size_t fewest = ROUTE_MAX_PARAMS + 1;
    for (size_t i = 0; i < count; i++) {
        if (pattern_fits(arena, routes[i].pattern, path, &tried) && tried.count < fewest) {
            chosen = routes[i].pattern;
            fewest = tried.count;
        }
    }
    return chosen;
}

void router_match(const struct route *routes, size_t count, struct arena *arena, enum http_method method,
                  const char *path, struct route_match *match)
{
    enum http_method wanted = method == HTTP_HEAD_ ? HTTP_GET_ : method;
    const char *pattern = choose_pattern(routes, count, arena, path);
    *match = (struct route_match){0};
    for (size_t i = 0; pattern != NULL && i < count; i++) {
        if (strcmp(routes[i].pattern, pattern) != 0) {
            continue;
        }
        match->methods |= 1U << routes[i].method;
        if (match->route == NULL && routes[i].method == wanted) {
            match->route = &routes[i];
        }
    }
    if (match->route != NULL) {
        pattern_fits(arena, pattern, path, match);
    }
}

const char *router_allow(struct arena *arena, unsigned methods)
{
    if (methods & (1U << HTTP_GET_)) {
        methods |= 1U << HTTP_HEAD_;
    }
    methods |= 1U << HTTP_OPTIONS_;
    const char *text = "";
    for (int method = HTTP_GET_; method < HTTP_OTHER_; method++) {
        if (methods & (1U << method)) {
            text = arena_format(arena, "%s%s%s", text, *text ? ", " : "",
                                http_method_word((enum http_method)method));
        }
    }
    return text;
}
