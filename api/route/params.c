// SPDX-License-Identifier: Apache-2.0
#include "api/route/params.h"

#include "api/http/query.h"
#include "api/route/problem.h"
#include "common/base/arena.h"
#include "common/base/text.h"

#include <assert.h>
#include <string.h>
#include <strings.h>
#include <time.h>

const char *params_text(const struct call *call, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < call->match.count && value == NULL; i++) {
        if (strcmp(call->match.params[i].name, name) == 0) {
            value = call->match.params[i].value;
        }
    }
    assert(value != NULL);
    return value;
}

int params_id(const struct call *call, const char *name, int64_t *id, struct err *err)
{
    if (text_int64(params_text(call, name), 1, INT64_MAX, id)) {
        return err_set(err, ERR_NOT_FOUND, "%s is no id", name);
    }
    return 0;
}

const char *params_query(const struct call *call, const char *name)
{
    return query_value(call->arena, request_query(call->request), name);
}

int params_bool_of_text(const char *text, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"true", true}, {"false", false}, {"1", true},   {"0", false},
        {"on", true},   {"off", false},   {"yes", true}, {"no", false},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (text_equal_nocase(text, words[i].word)) {
            *out = words[i].value;
            return 0;
        }
    }
    return -1;
}

/* The zone of a time: "Z", or hours and minutes from UTC. */
static bool is_zone(const char *text)
{
    bool is_offset = (text[0] == '+' || text[0] == '-') && strlen(text) == 6 && text[3] == ':' &&
                     strspn(text + 1, "0123456789") == 2 && strspn(text + 4, "0123456789") == 2;
    return strcmp(text, "Z") == 0 || (is_offset && memcmp(text + 1, "15", 2) < 0 && text[4] < '6');
}

bool params_is_time(const char *text)
{
    struct tm read = {0};
    /* strptime would take blanks and short years */
    if (strspn(text, "0123456789") != 4 || strchr(text, ' ') != NULL) {
        return false;
    }
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &read);
    if (rest == NULL || read.tm_year < -1899 || read.tm_sec > 59) {
        return false;
    }
    struct tm real = read;
    bool is_real_day =
        timegm(&real) != -1 && real.tm_mday == read.tm_mday; /* timegm makes 1 March of 29 February */
    size_t fraction = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
    rest += fraction > 0 ? fraction + 1 : 0;
    return is_real_day && fraction <= 6 && is_zone(rest);
}

/* Reads digits at text up to the end of a preference; -1 where there is anything else. */
static int seconds_at(const char *text, int most)
{
    bool is_quoted = *text == '"';
    text += is_quoted;
    size_t digits = strspn(text, "0123456789");
    const char *end = text + digits + is_quoted;
    if (digits == 0 || (is_quoted && text[digits] != '"')) {
        return -1;
    }
    end += strspn(end, " \t");
    if (*end != '\0' && *end != ',' && *end != ';') {
        return -1;
    }
    int64_t value = 0;
    for (size_t i = 0; i < digits && value <= most; i++) {
        value = value * 10 + (text[i] - '0');
    }
    return value < most ? (int)value : most;
}

int params_wait_of_prefer(const char *value, int most)
{
    while (value != NULL && *value != '\0') {
        value += strspn(value, " \t,");
        size_t name = strcspn(value, " \t=,;");
        const char *after = value + name + strspn(value + name, " \t");
        if (name == 4 && *after == '=' && strncasecmp(value, "wait", 4) == 0) {
            after++;
            return seconds_at(after + strspn(after, " \t"), most);
        }
        value += strcspn(value, ",");
    }
    return -1;
}

static void set_text(struct arena *arena, const char **member, const char *name, const char *text,
                     json_t **errors)
{
    if (!text_is_utf8(text, strlen(text))) {
        problem_add(errors, name, "This is not valid UTF-8.");
    } else if (text_characters(text) > IMAGE_TEXT_CHARACTERS) {
        problem_add(errors, name, "Ensure this field has no more than 200 characters.");
    } else {
        *member = arena_string(arena, text);
    }
}

void params_image_field(struct arena *arena, struct image_fields *fields, const char *name, const char *text,
                        json_t **errors)
{
    if (strcmp(name, "alt_text") == 0) {
        set_text(arena, &fields->alt_text, name, text, errors);
    } else if (strcmp(name, "caption") == 0) {
        set_text(arena, &fields->caption, name, text, errors);
    } else if (strcmp(name, "is_primary") == 0 && params_bool_of_text(text, &fields->is_primary)) {
        problem_add(errors, name, "Must be a valid boolean.");
    } else if (strcmp(name, "order") == 0 && text_int64(text, 0, INT32_MAX, &fields->order)) {
        problem_add(errors, name, "A whole number from 0 to 2147483647 is required.");
    }
}

bool params_is_image_field(const char *name)
{
    return strcmp(name, "alt_text") == 0 || strcmp(name, "caption") == 0 || strcmp(name, "is_primary") == 0 ||
           strcmp(name, "order") == 0;
}
