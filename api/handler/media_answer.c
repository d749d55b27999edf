// SPDX-License-Identifier: Apache-2.0
#include "api/handler/media_answer.h"

#include "api/http/range.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/text.h"

#include <string.h>

/* What the file's bytes are known by: their digest, or the name, whose bytes never change. */
static const char *etag_of(struct arena *arena, const struct media_file *file)
{
    enum { ETAG_DIGITS = 32 };
    char hex[DIGEST_HEX_BYTES];
    const char *digits = file->sha256;
    if (digits == NULL) {
        unsigned char digest[DIGEST_BYTES];
        digest_of(file->name, strlen(file->name), digest);
        text_hex(digest, DIGEST_BYTES, hex);
        digits = hex;
    }
    return arena_format(arena, "\"%.*s\"", ETAG_DIGITS, digits);
}

/*
 * True where a list of entity tags has ours, or is "*" (RFC 9110, 13.1.1 and 13.1.2). Ours is strong, so the weak comparison
 * (8.8.3.2) takes a weak tag of the list, too, and the strong one does not.
 */
static bool lists_etag(const char *list, const char *etag, bool takes_weak)
{
    size_t bytes = strlen(etag);
    if (strcmp(list, "*") == 0) {
        return true;
    }
    while (*list != '\0') {
        list += strspn(list, " \t,");
        bool is_weak = list[0] == 'W' && list[1] == '/';
        list += is_weak ? 2 : 0;
        if ((takes_weak || !is_weak) && strncmp(list, etag, bytes) == 0) {
            return true;
        }
        const char *close = *list == '"' ? strchr(list + 1, '"') : NULL;
        list = close ? close + 1 : list + strcspn(list, ",");
    }
    return false;
}

/* The second that a date field names; -1 where it is absent or no date, and so to be ignored. */
static int64_t seconds_of(const char *date)
{
    return date ? clock_of_http_date(date) : -1;
}

/* RFC 9110, 13.2.2, steps 1 and 2: If-Match, where it is there, makes If-Unmodified-Since be ignored. */
static bool is_refused(const struct media_question *question, const char *etag, int64_t changed_seconds)
{
    if (question->if_match != NULL) {
        return !lists_etag(question->if_match, etag, false);
    }
    int64_t since = seconds_of(question->if_unmodified_since);
    return since >= 0 && changed_seconds > since;
}

/* Steps 3 and 4: If-None-Match, where it is there, makes If-Modified-Since be ignored. */
static bool is_not_modified(const struct media_question *question, const char *etag, int64_t changed_seconds)
{
    if (question->if_none_match != NULL) {
        return lists_etag(question->if_none_match, etag, true);
    }
    int64_t since = seconds_of(question->if_modified_since);
    return since >= 0 && changed_seconds <= since;
}

/*
 * Step 5, and 13.1.5: a range holds only for the very file that the client has a part of; strong comparison, which our dates stand,
 * since a name's bytes never change.
 */
static bool may_range(const struct media_question *question, const char *etag, const char *last_modified)
{
    const char *condition = question->if_range;
    if (question->is_head) {
        return false;
    }
    return condition == NULL || strcmp(condition, etag) == 0 || strcmp(condition, last_modified) == 0;
}

void media_decide(struct arena *arena, const struct media_file *file, const struct media_question *question,
                  struct media_answer *out)
{
    char date[CLOCK_TEXT_BYTES];
    clock_http_date(file->changed_us, date);
    memset(out, 0, sizeof(*out));
    out->etag = etag_of(arena, file);
    out->last_modified = arena_string(arena, date);
    if (is_refused(question, out->etag, file->changed_us / 1000000)) {
        out->status = 412;
        return;
    }
    if (is_not_modified(question, out->etag, file->changed_us / 1000000)) {
        out->status = 304;
        return;
    }
    int64_t first = 0;
    int64_t last = file->bytes - 1;
    const char *range = may_range(question, out->etag, out->last_modified) ? question->range : NULL;
    switch (range_read(range, file->bytes, &first, &last)) {
    case RANGE_NO_BYTES:
        out->status = 416;
        out->content_range = arena_format(arena, "bytes */%lld", (long long)file->bytes);
        return;
    case RANGE_PART:
        out->status = 206;
        out->content_range = arena_format(arena, "bytes %lld-%lld/%lld", (long long)first, (long long)last,
                                          (long long)file->bytes);
        break;
    case RANGE_WHOLE:
        out->status = 200;
        break;
    }
    out->offset = first;
    out->bytes = last - first + 1;
}
