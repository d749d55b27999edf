// SPDX-License-Identifier: Apache-2.0
#include "api/handler/dead_filter.h"

#include "api/http/query.h"
#include "api/route/params.h"
#include "api/route/problem.h"
#include "common/base/arena.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { REASON_CHARACTERS = 64 };

static const char not_text[] = "Not a valid string.";
static const char not_ids[] = "1 to 1000 whole numbers, each at least 1, are required.";

/* The member of the filter that a name means. */
static const char **text_member(struct db_dead_filter *filter, const char *name)
{
    if (strcmp(name, "reason") == 0) {
        return &filter->reason;
    }
    if (strcmp(name, "buried_before") == 0) {
        return &filter->buried_before;
    }
    return strcmp(name, "buried_after") == 0 ? &filter->buried_after : NULL;
}

static void read_text(struct arena *arena, struct db_dead_filter *filter, const char *name, const char *text,
                      json_t **errors)
{
    const char **member = text_member(filter, name);
    size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (member == &filter->reason && (text[word] != '\0' || word == 0 || word > REASON_CHARACTERS)) {
        problem_add(errors, name, "The word of an error is required, such as codec_crashed.");
    } else if (member != &filter->reason && !params_is_time(text)) {
        problem_add(errors, name, "A time is required, such as 2026-01-31T12:00:00Z.");
    } else {
        *member = arena_string(arena, text);
    }
}

static int judged(json_t *const *errors, struct err *err)
{
    return *errors ? err_set(err, ERR_INVALID, "invalid filter") : 0;
}

static void read_ids_of_text(struct arena *arena, struct db_dead_filter *filter, const char *text,
                             json_t **errors)
{
    int64_t *ids = arena_alloc(arena, DEAD_FILTER_IDS * sizeof *ids);
    size_t count = 0;
    for (const char *end = NULL; text != NULL; text = *end == ',' ? end + 1 : NULL) {
        end = text + strcspn(text, ",");
        const char *number = arena_copy(arena, text, (size_t)(end - text));
        if (count == DEAD_FILTER_IDS || text_int64(number, 1, INT64_MAX, &ids[count]) != 0) {
            problem_add(errors, "ids", not_ids);
            return;
        }
        count++;
    }
    filter->ids = ids;
    filter->id_count = count;
}

int dead_filter_of_query(struct arena *arena, const char *query, const char *const *others,
                         struct db_dead_filter *filter, json_t **errors, struct err *err)
{
    static const char *const names[] = {"reason", "buried_before", "buried_after", "ids", NULL};
    *filter = (struct db_dead_filter){0};
    const char *unknown = query_unknown(arena, query, names, others);
    if (unknown != NULL) {
        problem_add(errors, unknown, "There is no such parameter.");
    }
    for (size_t i = 0; names[i] != NULL; i++) {
        const char *text = query_value(arena, query, names[i]);
        if (text == NULL && query_has(arena, query, names[i])) {
            problem_add(errors, names[i], not_text);
        } else if (text != NULL && text_member(filter, names[i]) != NULL) {
            read_text(arena, filter, names[i], text, errors);
        } else if (text != NULL) {
            read_ids_of_text(arena, filter, text, errors);
        }
    }
    return judged(errors, err);
}

static void read_ids_of_json(struct arena *arena, struct db_dead_filter *filter, const json_t *list,
                             json_t **errors)
{
    size_t count = json_array_size(list);
    if (count == 0 || count > DEAD_FILTER_IDS) {
        problem_add(errors, "ids", not_ids);
        return;
    }
    int64_t *ids = arena_alloc(arena, count * sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        ids[i] = json_integer_value(json_array_get(list, i));
        if (ids[i] < 1) {
            problem_add(errors, "ids", not_ids);
            return;
        }
    }
    filter->ids = ids;
    filter->id_count = count;
}

int dead_filter_of_json(struct arena *arena, json_t *body, struct db_dead_filter *filter, json_t **errors,
                        struct err *err)
{
    const char *name = NULL;
    json_t *value = NULL;
    *filter = (struct db_dead_filter){0};
    json_object_foreach(body, name, value)
    {
        if (json_is_null(value)) {
            continue;
        }
        if (strcmp(name, "ids") == 0) {
            read_ids_of_json(arena, filter, value, errors);
        } else if (text_member(filter, name) == NULL) {
            problem_add(errors, name, "There is no such field.");
        } else if (!json_is_string(value)) {
            problem_add(errors, name, not_text);
        } else {
            read_text(arena, filter, name, json_string_value(value), errors);
        }
    }
    return judged(errors, err);
}

bool dead_filter_is_all(const struct db_dead_filter *filter)
{
    return filter->reason == NULL && filter->buried_before == NULL && filter->buried_after == NULL &&
           filter->id_count == 0;
}

/* The ids with commas between them. */
static const char *ids_text(struct arena *arena, const struct db_dead_filter *filter)
{
    enum { ID_BYTES = sizeof "-9223372036854775808" }; /* its end is the comma's place */
    size_t size = filter->id_count * ID_BYTES + 1;
    char *text = arena_alloc(arena, size);
    size_t used = 0;
    for (size_t i = 0; i < filter->id_count; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, i > 0 ? "," : "", filter->ids[i]);
    }
    return text;
}

const char *dead_filter_query(struct arena *arena, const struct db_dead_filter *filter)
{
    const struct {
        const char *name;
        const char *text;
    } parts[] = {{"reason", filter->reason},
                 {"buried_before", filter->buried_before},
                 {"buried_after", filter->buried_after},
                 {"ids", filter->id_count > 0 ? ids_text(arena, filter) : NULL}};
    const char *query = "";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].text != NULL) {
            query = arena_format(arena, "%s%s%s=%s", query, *query ? "&" : "?", parts[i].name,
                                 query_encode(arena, parts[i].text));
        }
    }
    return query;
}
