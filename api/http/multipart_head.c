// SPDX-License-Identifier: Apache-2.0
#include "api/http/multipart_head.h"

#include "api/http/headers.h"
#include "common/base/arena.h"
#include "common/base/text.h"

#include <strings.h>

/* One "; name=value" of a field. */
struct parameter {
    char *name;
    char *value;
    bool is_quoted;
};

enum parameter_result { PARAMETER_FOUND, PARAMETER_NONE, PARAMETER_BAD };

/*
 * Ends a quoted string at its closing quote and takes its escapes off; returns what follows, or NULL where it does not end. A
 * backslash escapes a quote and a backslash only: old browsers send whole Windows paths without escaping them.
 */
static char *read_quoted(char *at)
{
    char *out = at;
    for (; *at != '"'; at++) {
        if (*at == '\0') {
            return NULL;
        }
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\')) {
            at++;
        }
        *out++ = *at;
    }
    *out = '\0';
    return at + 1;
}

/* Reads the next parameter at *at, which stands behind a value or a parameter, and moves on. */
static enum parameter_result next_parameter(char **at, struct parameter *parameter)
{
    char *here = *at + strspn(*at, " \t");
    while (*here == ';') {
        here++;
        here += strspn(here, " \t");
    }
    if (*here == '\0') {
        return PARAMETER_NONE;
    }
    parameter->name = here;
    while (headers_is_token_byte((unsigned char)*here)) {
        here++;
    }
    if (here == parameter->name || *here != '=') {
        return PARAMETER_BAD;
    }
    *here++ = '\0';
    parameter->is_quoted = *here == '"';
    if (parameter->is_quoted) {
        parameter->value = here + 1;
        here = read_quoted(parameter->value);
        if (here == NULL) {
            return PARAMETER_BAD;
        }
    } else {
        parameter->value = here;
        here += strcspn(here, "; \t");
    }
    char *end = here;
    here += strspn(here, " \t");
    if (*here != ';' && *here != '\0') {
        return PARAMETER_BAD;
    }
    bool is_more = *here == ';';
    if (!parameter->is_quoted) {
        *end = '\0';
    }
    *at = is_more ? here + 1 : here;
    return PARAMETER_FOUND;
}

static bool is_boundary(const char *text)
{
    static const char others[] = "'()+_,-./:=? ";
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_plain && strchr(others, c) == NULL) {
            return false;
        }
    }
    return length > 0 && length <= MULTIPART_BOUNDARY_BYTES && text[length - 1] != ' ';
}

int multipart_read_boundary(const char *content_type, char boundary[MULTIPART_BOUNDARY_BYTES + 1],
                            struct err *err)
{
    static const char type[] = "multipart/form-data";
    char text[512];
    struct parameter parameter;
    const char *found = NULL;
    if (content_type == NULL || strncasecmp(content_type, type, sizeof type - 1) != 0 ||
        strchr("; \t", content_type[sizeof type - 1]) == NULL) {
        return err_set(err, ERR_UNSUPPORTED_MEDIA_TYPE, "the body is not multipart/form-data");
    }
    if (text_copy(text, sizeof text, content_type + sizeof type - 1) != 0) {
        return err_set(err, ERR_BAD_REQUEST, "a Content-Type that is too long");
    }
    enum parameter_result result = PARAMETER_NONE;
    for (char *at = text; (result = next_parameter(&at, &parameter)) == PARAMETER_FOUND;) {
        if (text_equal_nocase(parameter.name, "boundary")) {
            if (found != NULL) {
                return err_set(err, ERR_BAD_REQUEST, "two boundaries");
            }
            found = parameter.value;
        }
    }
    if (result == PARAMETER_BAD || found == NULL || !is_boundary(found)) {
        return err_set(err, ERR_BAD_REQUEST, "multipart/form-data without a well-formed boundary");
    }
    return text_copy(boundary, MULTIPART_BOUNDARY_BYTES + 1, found);
}

/* Turns "%22" into the quote that browsers mean by it (WHATWG HTML, multipart/form-data encoding), in place. */
static void unescape_quotes(char *text)
{
    char *out = text;
    for (; *text != '\0'; text++) {
        if (text_starts_with(text, "%22")) {
            *out++ = '"';
            text += 2;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
}

/* Adds one byte of ISO 8859-1 as UTF-8. */
static size_t put_latin1(char *out, unsigned char byte)
{
    if (byte < 0x80) {
        out[0] = (char)byte;
        return 1;
    }
    const unsigned char encoded[2] = {(unsigned char)(0xc0 | (byte >> 6)),
                                      (unsigned char)(0x80 | (byte & 0x3f))};
    memcpy(out, encoded, sizeof encoded);
    return 2;
}

/* The value of an extended parameter, charset'language'percent-encoded (RFC 8187, 3.2). NULL where it is not understood. */
static const char *read_extended(struct arena *arena, const char *value)
{
    bool is_latin1 = strncasecmp(value, "iso-8859-1'", 11) == 0;
    if (!is_latin1 && strncasecmp(value, "utf-8'", 6) != 0) {
        return NULL;
    }
    const char *at = strchr(strchr(value, '\'') + 1, '\'');
    if (at == NULL) {
        return NULL;
    }
    at++;
    char *out = arena_alloc(arena, 2 * strlen(at) + 1);
    size_t used = 0;
    for (; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '%') {
            char digits[3] = {at[1], '\0', '\0'};
            if (at[1] != '\0') {
                digits[1] = at[2];
            }
            if (text_of_hex(digits, &byte, 1) != 0 || byte == '\0') {
                return NULL;
            }
            at += 2;
        }
        if (is_latin1) {
            used += put_latin1(out + used, byte);
        } else {
            out[used++] = (char)byte;
        }
    }
    return text_is_utf8(out, used) ? out : NULL;
}

/* The last path component, without bytes that are no UTF-8: old clients send names in the charset of their system. */
static const char *clean_file_name(struct arena *arena, const char *given)
{
    const char *last = given;
    for (const char *at = given; *at != '\0'; at++) {
        if (*at == '/' || *at == '\\') {
            last = at + 1;
        }
    }
    char *name = arena_string(arena, last);
    bool is_utf8 = text_is_utf8(name, strlen(name));
    for (char *at = name; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < ' ' || c == 0x7f || (!is_utf8 && c >= 0x80)) {
            *at = '_';
        }
    }
    return name;
}

/* What Content-Disposition says; each word may come once. */
struct disposition {
    char *name;
    char *file_name;
    const char *extended_file_name;
    bool has_extended;
};

static int read_disposition(struct arena *arena, char *value, struct disposition *d, struct err *err)
{
    static const char type[] = "form-data";
    struct parameter parameter;
    enum parameter_result result = PARAMETER_BAD;
    bool is_repeated = false;
    if (strncasecmp(value, type, sizeof type - 1) != 0 || strchr("; \t", value[sizeof type - 1]) == NULL) {
        return err_set(err, ERR_BAD_REQUEST, "a part that is no form-data");
    }
    for (char *at = value + sizeof type - 1; (result = next_parameter(&at, &parameter)) == PARAMETER_FOUND;) {
        if (text_equal_nocase(parameter.name, "name")) {
            is_repeated |= d->name != NULL;
            d->name = parameter.value;
        } else if (text_equal_nocase(parameter.name, "filename")) {
            is_repeated |= d->file_name != NULL;
            d->file_name = parameter.value;
        } else if (text_equal_nocase(parameter.name, "filename*")) {
            is_repeated |= d->has_extended;
            d->has_extended = true;
            d->extended_file_name = read_extended(arena, parameter.value);
        }
    }
    if (result == PARAMETER_BAD || is_repeated) {
        return err_set(err, ERR_BAD_REQUEST, "a Content-Disposition that is not well-formed");
    }
    return 0;
}

/* Copies a disposition's words into the part. */
static int take_disposition(struct arena *arena, struct disposition *d, struct multipart_part *part,
                            struct err *err)
{
    if (d->name == NULL) {
        return err_set(err, ERR_BAD_REQUEST, "a part without a name");
    }
    unescape_quotes(d->name);
    if (!text_is_utf8(d->name, strlen(d->name))) {
        return err_set(err, ERR_BAD_REQUEST, "a field's name that is not UTF-8");
    }
    part->name = arena_string(arena, d->name);
    if (d->extended_file_name != NULL) {
        part->file_name = clean_file_name(arena, d->extended_file_name);
    } else if (d->file_name != NULL) {
        unescape_quotes(d->file_name);
        part->file_name = clean_file_name(arena, d->file_name);
    } else if (d->has_extended) {
        part->file_name = "";
    }
    return 0;
}

/* Takes the next line off *at: its end is cut, *at moves behind it. NULL where it does not end or holds a control byte. */
static char *next_line(char **at)
{
    char *line = *at;
    char *end = strstr(line, "\r\n");
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    *at = end + 2;
    for (const char *c = line; *c != '\0'; c++) {
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f) {
            return NULL;
        }
    }
    return line;
}

static bool is_identity_encoding(const char *value)
{
    return text_equal_nocase(value, "7bit") || text_equal_nocase(value, "8bit") ||
           text_equal_nocase(value, "binary");
}

/* Cuts a line into name and value; false where it is no field. */
static bool split_field(char *line, struct header *field)
{
    char *colon = line;
    while (headers_is_token_byte((unsigned char)*colon)) {
        colon++;
    }
    if (colon == line || *colon != ':') {
        return false;
    }
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    char *end = value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    *end = '\0';
    field->name = line;
    field->value = value;
    return true;
}

int multipart_read_head(struct arena *arena, char *text, struct multipart_part *part, struct err *err)
{
    struct multipart_part read = {.name = NULL};
    struct disposition disposition = {.name = NULL};
    struct header field;
    bool has_disposition = false;
    char *line = next_line(&text);
    for (; line != NULL && *line != '\0'; line = next_line(&text)) {
        if (!split_field(line, &field)) {
            return err_set(err, ERR_BAD_REQUEST, "a line of a part's header that is no field");
        }
        char *value = line + (field.value - line);
        if (text_equal_nocase(field.name, "content-disposition")) {
            if (has_disposition) {
                return err_set(err, ERR_BAD_REQUEST, "a part with two Content-Disposition");
            }
            has_disposition = true;
            if (read_disposition(arena, value, &disposition, err) != 0) {
                return -1;
            }
        } else if (text_equal_nocase(field.name, "content-type")) {
            read.content_type = arena_string(arena, value);
        } else if (text_equal_nocase(field.name, "content-transfer-encoding") &&
                   !is_identity_encoding(value)) {
            return err_set(err, ERR_BAD_REQUEST, "a part in a transfer encoding");
        }
    }
    if (line == NULL) {
        return err_set(err, ERR_BAD_REQUEST, "a part's header with a control byte");
    }
    if (take_disposition(arena, &disposition, &read, err) != 0) {
        return -1;
    }
    *part = read;
    return 0;
}
