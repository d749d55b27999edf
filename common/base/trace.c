// SPDX-License-Identifier: Apache-2.0
#include "common/base/trace.h"

#include "common/base/random.h"
#include "common/base/text.h"

#include <string.h>

enum { VERSION_DIGITS = 2, ID_DIGITS = 32, SPAN_DIGITS = 16, FLAG_DIGITS = 2, SAMPLED = 1 };

static const char hex_digits[] = "0123456789abcdef";

/* Takes `digits` lower-case hexadecimal digits off *text. */
static bool take_hex(const char **text, size_t digits, char *out)
{
    if (strspn(*text, hex_digits) < digits) {
        return false;
    }
    memcpy(out, *text, digits);
    out[digits] = '\0';
    *text += digits;
    return true;
}

static bool take_dash(const char **text)
{
    bool is_dash = **text == '-';
    *text += is_dash;
    return is_dash;
}

static bool is_zero(const char *digits)
{
    return strspn(digits, "0") == strlen(digits);
}

int trace_read(const char *parent, struct trace *out)
{
    char version[VERSION_DIGITS + 1];
    char flags[FLAG_DIGITS + 1];
    unsigned char flag_bits = 0;
    struct trace read;
    if (!take_hex(&parent, VERSION_DIGITS, version) || !take_dash(&parent) ||
        !take_hex(&parent, ID_DIGITS, read.id) || !take_dash(&parent) ||
        !take_hex(&parent, SPAN_DIGITS, read.span) || !take_dash(&parent) ||
        !take_hex(&parent, FLAG_DIGITS, flags) || text_of_hex(flags, &flag_bits, 1) != 0) {
        return -1;
    }
    bool is_known = strcmp(version, "00") == 0;
    bool has_end = *parent == '\0' || (!is_known && *parent == '-');
    if (strcmp(version, "ff") == 0 || !has_end || is_zero(read.id) || is_zero(read.span)) {
        return -1;
    }
    read.is_sampled = (flag_bits & SAMPLED) != 0;
    *out = read;
    return 0;
}

/* Fills with digits of random bytes, not all zero. */
static void make_up(char *out, size_t digits)
{
    unsigned char bytes[ID_DIGITS / 2];
    do {
        random_bytes(bytes, digits / 2);
        text_hex(bytes, digits / 2, out);
    } while (is_zero(out));
}

void trace_begin(const char *parent, struct trace *out)
{
    if (parent == NULL || trace_read(parent, out) != 0) {
        make_up(out->id, ID_DIGITS);
        out->is_sampled = false;
    }
    make_up(out->span, SPAN_DIGITS);
}

void trace_write(const struct trace *trace, char out[TRACE_PARENT_BYTES])
{
    snprintf(out, TRACE_PARENT_BYTES, "00-%s-%s-%02x", trace->id, trace->span,
             trace->is_sampled ? (unsigned)SAMPLED : 0U);
}

void trace_write_id(const char *parent, char out[TRACE_ID_BYTES])
{
    struct trace trace;
    out[0] = '\0';
    if (trace_read(parent, &trace) == 0) {
        memcpy(out, trace.id, TRACE_ID_BYTES);
    }
}
