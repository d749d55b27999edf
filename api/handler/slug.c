// SPDX-License-Identifier: Apache-2.0
#include "api/handler/slug.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Letters of U+00C0..U+017F without their accents, four characters each, blank-padded (Unicode, Latin-1 and Latin Extended-A). */
static const char latin[] = "A   A   A   A   A   A   AE  C   E   E   E   E   I   I   I   I   "  /* C0 */
                            "D   N   O   O   O   O   O       O   U   U   U   U   Y   TH  SS  "  /* D0 */
                            "a   a   a   a   a   a   ae  c   e   e   e   e   i   i   i   i   "  /* E0 */
                            "d   n   o   o   o   o   o       o   u   u   u   u   y   th  y   "  /* F0 */
                            "A   a   A   a   A   a   C   c   C   c   C   c   C   c   D   d   "  /* 100 */
                            "D   d   E   e   E   e   E   e   E   e   E   e   G   g   G   g   "  /* 110 */
                            "G   g   G   g   H   h   H   h   I   i   I   i   I   i   I   i   "  /* 120 */
                            "I   i   IJ  ij  J   j   K   k   k   L   l   L   l   L   l   L   "  /* 130 */
                            "l   L   l   N   n   N   n   N   n   n   N   n   O   o   O   o   "  /* 140 */
                            "O   o   OE  oe  R   r   R   r   R   r   S   s   S   s   S   s   "  /* 150 */
                            "S   s   T   t   T   t   T   t   U   u   U   u   U   u   U   u   "  /* 160 */
                            "U   u   U   u   W   w   Y   y   Y   Z   z   Z   z   Z   z   s   "; /* 170 */
enum { LATIN_FIRST = 0xC0, LATIN_LAST = 0x17F, LATIN_WIDTH = 4 };
_Static_assert(sizeof(latin) == (LATIN_LAST - LATIN_FIRST + 1) * LATIN_WIDTH + 1,
               "every letter has its place");

/* Takes one character of well-formed UTF-8 off *text. */
static uint32_t next_character(const char **text)
{
    const unsigned char *at = (const unsigned char *)*text;
    int more = *at < 0x80 ? 0 : *at < 0xE0 ? 1 : *at < 0xF0 ? 2 : 3;
    uint32_t value = more == 0 ? *at : *at & (0x3FU >> more);
    for (int i = 1; i <= more && at[i] != '\0'; i++) {
        value = value << 6 | (at[i] & 0x3FU);
        (*text)++;
    }
    (*text)++;
    return value;
}

struct slug {
    char *out; /* SLUG_BYTES, the caller's */
    size_t used;
};

static void add(struct slug *slug, char c)
{
    if (c >= 'A' && c <= 'Z') {
        c = (char)(c - 'A' + 'a');
    }
    bool is_kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    bool is_gap = c == ' ' || c == '-' || c == '\t' || c == '\n' || c == '\r';
    if (slug->used >= SLUG_MAX || (is_gap && (slug->used == 0 || slug->out[slug->used - 1] == '-'))) {
        return;
    }
    if (is_kept || is_gap) {
        slug->out[slug->used++] = (char)(is_gap ? '-' : c);
    }
}

void slug_of_name(const char *name, char out[SLUG_BYTES])
{
    struct slug slug = {out, 0};
    while (*name != '\0') {
        uint32_t c = next_character(&name);
        if (c < 0x80) {
            add(&slug, (char)c);
        } else if (c == 0xA0 || c == 0x2010 || c == 0x2013 || c == 0x2014) {
            add(&slug, '-'); /* a no-break space, and dashes */
        } else if (c >= LATIN_FIRST && c <= LATIN_LAST) {
            const char *letters = latin + (size_t)(c - LATIN_FIRST) * LATIN_WIDTH;
            for (size_t i = 0; i < LATIN_WIDTH && letters[i] != ' '; i++) {
                add(&slug, letters[i]);
            }
        }
    }
    while (slug.used > 0 && (out[slug.used - 1] == '-' || out[slug.used - 1] == '_')) {
        slug.used--;
    }
    out[slug.used] = '\0';
    size_t lead = strspn(out, "-_");
    memmove(out, out + lead, slug.used - lead + 1);
    if (*out == '\0') {
        memcpy(out, "product", sizeof("product"));
    }
}

void slug_numbered(const char *base, unsigned number, char out[SLUG_BYTES])
{
    char suffix[16];
    int bytes = snprintf(suffix, sizeof(suffix), "-%u", number);
    snprintf(out, SLUG_BYTES, "%.*s%s", SLUG_MAX - bytes, base, suffix);
}

bool slug_is_valid(const char *text)
{
    size_t bytes = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return bytes >= 1 && bytes <= SLUG_MAX && text[bytes] == '\0';
}
