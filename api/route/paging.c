// SPDX-License-Identifier: Apache-2.0
#include "api/route/paging.h"

#include "api/http/query.h"
#include "api/route/params.h"
#include "api/route/problem.h"
#include "common/base/arena.h"
#include "common/base/digest.h"
#include "common/base/text.h"

#include <string.h>

enum { CHECK_BYTES = 6, CURSOR_MAX_CHARACTERS = 256, FORWARD = '>', BACKWARD = '<' };

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const char *encode(struct arena *arena, const unsigned char *data, size_t bytes)
{
    char *out = arena_alloc(arena, bytes * 4 / 3 + 3);
    size_t used = 0;
    unsigned held = 0;
    int bits = 0;
    for (size_t i = 0; i < bytes; i++) {
        held = (held << 8 | data[i]) & 0xffffff;
        for (bits += 8; bits >= 6; bits -= 6) {
            out[used++] = base64url[held >> (bits - 6) & 63];
        }
    }
    if (bits > 0) {
        out[used++] = base64url[held << (6 - bits) & 63];
    }
    return out;
}

/* Decodes; NULL where text has another character. *bytes is the length; a NUL follows. */
static unsigned char *decode(struct arena *arena, const char *text, size_t *bytes)
{
    size_t characters = strlen(text);
    if (characters > CURSOR_MAX_CHARACTERS || characters % 4 == 1) {
        return NULL;
    }
    unsigned char *out = arena_alloc(arena, characters + 1);
    unsigned held = 0;
    int bits = 0;
    *bytes = 0;
    for (size_t i = 0; i < characters; i++) {
        const char *found = strchr(base64url, text[i]);
        held = (held << 6 | (unsigned)(found ? found - base64url : 0)) & 0xffffff;
        bits += 6;
        if (found == NULL) {
            return NULL;
        }
        if (bits >= 8) {
            bits -= 8;
            out[(*bytes)++] = (unsigned char)(held >> bits);
        }
    }
    return out;
}

/* The first bytes of a digest of list and keys. It keeps honest clients from mixing up lists; it is no secret. */
static void check_of(struct arena *arena, const char *list, const char *keys, unsigned char out[CHECK_BYTES])
{
    unsigned char sha256[DIGEST_BYTES];
    const char *text = arena_format(arena, "%d %s %s", PAGING_VERSION, keys, list);
    digest_of(text, strlen(text), sha256);
    memcpy(out, sha256, CHECK_BYTES);
}

const char *paging_cursor(struct arena *arena, const char *list, const struct paging_place *place,
                          bool is_backward)
{
    const char *keys = arena_format(arena, "%c%lld/%s/%lld", is_backward ? BACKWARD : FORWARD,
                                    (long long)place->order, place->uploaded_at, (long long)place->id);
    size_t bytes = strlen(keys);
    unsigned char *plain = arena_alloc(arena, CHECK_BYTES + bytes + 1);
    check_of(arena, list, keys, plain);
    memcpy(plain + CHECK_BYTES, keys, bytes + 1);
    return encode(arena, plain, CHECK_BYTES + bytes);
}

/* Reads "ORDER/TIME/ID", which it cuts into pieces. */
static int read_place(char *keys, struct paging_place *place)
{
    char *time = strchr(keys, '/');
    char *id = time ? strchr(time + 1, '/') : NULL;
    if (id == NULL) {
        return -1;
    }
    *time++ = '\0';
    *id++ = '\0';
    place->uploaded_at = time;
    if ((*time != '\0' && !params_is_time(time)) || text_int64(keys, INT64_MIN, INT64_MAX, &place->order)) {
        return -1;
    }
    return text_int64(id, 1, INT64_MAX, &place->id);
}

static int read_cursor(struct arena *arena, const char *cursor, const char *list, struct paging *paging)
{
    size_t bytes = 0;
    unsigned char *plain = decode(arena, cursor, &bytes);
    if (plain == NULL || bytes <= CHECK_BYTES) {
        return -1;
    }
    char *keys = (char *)plain + CHECK_BYTES;
    unsigned char check[CHECK_BYTES];
    check_of(arena, list, keys, check);
    if (memcmp(check, plain, CHECK_BYTES) != 0 || strlen(keys) != bytes - CHECK_BYTES) {
        return -1;
    }
    paging->is_backward = keys[0] == BACKWARD;
    if (keys[0] != BACKWARD && keys[0] != FORWARD) {
        return -1;
    }
    return read_place(keys + 1, &paging->place);
}

int paging_read(struct arena *arena, const char *query, const char *list, struct paging *paging,
                json_t **errors, struct err *err)
{
    struct paging read = {.limit = PAGING_LIMIT};
    const char *limit = query_value(arena, query, "limit");
    int64_t rows = PAGING_LIMIT;
    if (limit != NULL && text_int64(limit, 1, PAGING_MAX_LIMIT, &rows)) {
        problem_add(errors, "limit", "A whole number from 1 to 200 is required.");
    }
    read.limit = (size_t)rows;
    const char *cursor = query_value(arena, query, "cursor");
    bool is_unreadable = cursor == NULL && strstr(query, "cursor=") != NULL;
    read.has_place = cursor != NULL && *cursor != '\0';
    if (is_unreadable || (read.has_place && read_cursor(arena, cursor, list, &read))) {
        problem_add(errors, "cursor", "This is not a cursor of this list.");
    }
    if (*errors != NULL) {
        return err_set(err, ERR_INVALID, "limit or cursor");
    }
    *paging = read;
    return 0;
}

struct paging_cut paging_cut(const struct paging *paging, size_t rows)
{
    struct paging_cut cut = {.count = rows};
    if (rows > paging->limit) {
        cut.has_more = true;
        cut.first = paging->is_backward ? rows - paging->limit : 0;
        cut.count = paging->limit;
    }
    return cut;
}

/* What a link leads to. */
struct target {
    bool is_there;
    bool is_first;    /* the list's first page, which needs no cursor */
    bool is_backward; /* else the page before `place`, or after it */
    struct paging_place place;
};

/* The page after this one. On the way back there is one: that which was come from. */
static struct target next_of(const struct paging *paging, const struct paging_cut *cut)
{
    struct target next = {.place = cut->end};
    next.is_there = paging->is_backward || cut->has_more;
    /* Where nothing is left before a place, what is left after it is all. */
    next.is_first = paging->is_backward && cut->count == 0;
    return next;
}

/* The page before this one. Where nothing is left after a place, it ends with the row at that place: before one id more. */
static struct target previous_of(const struct paging *paging, const struct paging_cut *cut)
{
    struct target previous = {.is_backward = true, .place = cut->start};
    previous.is_there = paging->is_backward ? cut->has_more : paging->has_place;
    if (cut->count == 0) {
        previous.place = paging->place;
        previous.place.id += previous.place.id < INT64_MAX;
    }
    return previous;
}

static json_t *link_to(struct arena *arena, const char *url, const char *list, size_t limit,
                       const struct target *target)
{
    if (!target->is_there) {
        return json_null();
    }
    char joint = strchr(url, '?') != NULL ? '&' : '?';
    if (target->is_first) {
        return json_string(arena_format(arena, "%s%climit=%zu", url, joint, limit));
    }
    const char *cursor = paging_cursor(arena, list, &target->place, target->is_backward);
    return json_string(arena_format(arena, "%s%climit=%zu&cursor=%s", url, joint, limit, cursor));
}

json_t *paging_answer(struct arena *arena, const char *url, const char *list, const struct paging *paging,
                      const struct paging_cut *cut, json_t *results)
{
    struct target next = next_of(paging, cut);
    struct target previous = previous_of(paging, cut);
    json_t *body = json_object();
    json_object_set_new(body, "next", link_to(arena, url, list, paging->limit, &next));
    json_object_set_new(body, "previous", link_to(arena, url, list, paging->limit, &previous));
    json_object_set_new(body, "results", results);
    return body;
}
