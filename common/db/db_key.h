// SPDX-License-Identifier: Apache-2.0
/*
 * API keys. A key is "pm_" PUBLIC "_" SECRET, both hexadecimal; PUBLIC finds the row, and the row holds the SHA-256 of the
 * whole key, never the key. Scopes are bits.
 */
#ifndef PIXMILL_DB_DB_KEY_H
#define PIXMILL_DB_DB_KEY_H

#include "common/base/digest.h"
#include "common/base/err.h"

#include <stdint.h>

struct db;

enum db_scope { SCOPE_NONE = 0, SCOPE_UPLOAD = 1, SCOPE_OPERATE = 2, SCOPE_ADMIN = 4 };

enum { DB_KEY_PUBLIC_BYTES = 17, DB_KEY_TEXT_BYTES = 3 + 16 + 1 + 64 + 1 };

struct db_key {
    int64_t id;
    unsigned scopes; /* of enum db_scope */
    unsigned char sha256[DIGEST_BYTES];
};

/* Finds the key with this PUBLIC part (16 digits) that is not revoked. ERR_UNAUTHORIZED where there is none. */
void db_key_find(struct db *db, const char *public_part, struct db_key *out, done_fn done, void *owner);

/* Reads "upload,operate,admin" into bits. Returns 0, or -1 with ERR_INVALID for an unknown word or an empty list. */
int db_key_scopes_of_text(const char *text, unsigned *scopes, struct err *err) MUST_CHECK;

/* Makes a key and stores its hash, blocking, on a connection of its own: for the command line. Writes the key to out. */
int db_key_create(const char *url, const char *name, unsigned scopes, char out[DB_KEY_TEXT_BYTES],
                  struct err *err) MUST_CHECK;

#endif
