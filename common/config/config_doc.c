// SPDX-License-Identifier: Apache-2.0
/*
 * What people see of the settings: their values, and the table of the documentation.
 */
#include "common/config/config.h"
#include "common/config/config_row.h"

#include "common/base/text.h"

/*
 * The end of a password in "password=..." of a libpq string or of a URI's query: quoted, or up to a blank or
 * '&'; a backslash takes the next byte along.
 */
static const char *end_of_password(const char *at)
{
    bool is_quoted = *at == '\'';
    for (at += is_quoted; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        } else if (is_quoted ? *at == '\'' : strchr(" \t\n&", *at) != NULL) {
            return at + is_quoted;
        }
    }
    return at;
}

/* Writes text with the value of every "password=" as ***. */
static void print_masked(const char *text, FILE *out)
{
    for (const char *word = strstr(text, "password"); word != NULL; word = strstr(text, "password")) {
        const char *value = word + strlen("password");
        value += strspn(value, " \t");
        if (*value == '=') {
            value++;
            value += strspn(value, " \t");
            fprintf(out, "%.*s***", (int)(value - text), text);
            text = end_of_password(value);
        } else {
            fprintf(out, "%.*s", (int)(value - text), text);
            text = value;
        }
    }
    fputs(text, out);
}

/*
 * "scheme://user:password@rest" as "scheme://user:***@rest". The password reaches to the last '@', since
 * people forget to escape one inside it: hiding too much is the better mistake.
 */
static void print_text(const char *text, FILE *out)
{
    const char *authority = strstr(text, "://");
    const char *at = strrchr(text, '@');
    const char *colon = authority != NULL ? strchr(authority + 3, ':') : NULL;
    if (colon != NULL && at != NULL && colon < at) {
        fprintf(out, "%.*s:***", (int)(colon - text), text);
        text = at;
    }
    print_masked(text, out);
}

void config_print(const struct config *config, const char *program, FILE *out)
{
    size_t count = 0;
    const struct config_row *rows = config_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const char *member = (const char *)config + rows[i].offset;
        if (strcmp(rows[i].programs, "both") != 0 && strcmp(rows[i].programs, program) != 0) {
            continue;
        }
        const char *text = NULL;
        int64_t number = 0;
        bool is_true = false;
        fprintf(out, "%s=", rows[i].variable);
        switch (rows[i].type) {
        case CONFIG_TEXT:
            memcpy(&text, member, sizeof text);
            print_text(text, out);
            break;
        case CONFIG_INT:
            memcpy(&number, member, sizeof number);
            fprintf(out, "%lld", (long long)number);
            break;
        case CONFIG_BOOL:
            memcpy(&is_true, member, sizeof is_true);
            fputs(is_true ? "true" : "false", out);
            break;
        }
        fputc('\n', out);
    }
}

void config_doc(FILE *out)
{
    size_t count = 0;
    const struct config_row *rows = config_rows(&count);
    fputs("| variable | default | values | read by | meaning |\n| --- | --- | --- | --- | --- |\n", out);
    for (size_t i = 0; i < count; i++) {
        const struct config_row *row = &rows[i];
        fprintf(out, "| `%s` | ", row->variable);
        switch (row->type) {
        case CONFIG_TEXT:
            fprintf(out, row->preset_text[0] != '\0' ? "`%s` | text" : "%s | text", row->preset_text);
            break;
        case CONFIG_INT:
            fprintf(out, "%lld | %lld to %lld", (long long)row->preset_number, (long long)row->least,
                    (long long)row->most);
            break;
        case CONFIG_BOOL:
            fprintf(out, "%s | true, false", row->preset_number != 0 ? "true" : "false");
            break;
        }
        fprintf(out, " | %s | %s |\n", strcmp(row->programs, "both") == 0 ? "api, worker" : row->programs,
                row->help);
    }
}
