// SPDX-License-Identifier: Apache-2.0
/*
 * The part of a product's address that is made of its name, as Django's slugify makes it. Pure.
 */
#ifndef PIXMILL_HANDLER_SLUG_H
#define PIXMILL_HANDLER_SLUG_H

#include <stdbool.h>

enum { SLUG_MAX = 200, SLUG_BYTES = SLUG_MAX + 1 };

/*
 * Writes a slug of [a-z0-9_-] made of a UTF-8 name: Latin letters lose their accents, blanks and hyphens become one hyphen, the
 * rest is dropped. "product" where nothing is left.
 */
void slug_of_name(const char *name, char out[SLUG_BYTES]);

/* Writes base with "-N", cut so that it fits. */
void slug_numbered(const char *base, unsigned number, char out[SLUG_BYTES]);

/* True for 1..SLUG_MAX characters of [A-Za-z0-9_-]. */
bool slug_is_valid(const char *text);

#endif
