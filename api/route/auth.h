// SPDX-License-Identifier: Apache-2.0
/*
 * Who may do what: `Authorization: Bearer pm_PUBLIC_SECRET` (RFC 6750). PUBLIC finds the key's row, the SHA-256 of the whole key is
 * compared in constant time, and the route's access asks for a scope. Rows that were found are kept for a few seconds in a table
 * of fixed size, so that a busy client costs no query each time and a revoked key ends soon.
 */
#ifndef PIXMILL_ROUTE_AUTH_H
#define PIXMILL_ROUTE_AUTH_H

#include "api/route/call.h"
#include "common/db/db_key.h"

#include <stdbool.h>

struct auth;
struct db;
struct loop;

/* Never NULL; freed with auth_free, when nothing is pending. has_public_reads: ROUTE_READ needs no key. */
struct auth *auth_new(struct loop *loop, struct db *db, bool has_public_reads);
void auth_free(struct auth *auth);

/* True where a route of that access needs a key. */
bool auth_needs_key(const struct auth *auth, enum route_access access);

/*
 * Finds who sent a request and fills *grant. Errors: ERR_UNAUTHORIZED without a valid key, ERR_FORBIDDEN where the key lacks the
 * scope, ERR_DATABASE where it can't be looked up now.
 */
void auth_check(struct auth *auth, struct request *request, enum route_access access, struct grant *grant,
                done_fn done, void *owner);

/*
 * Pure: finds the key in an Authorization value ("bearer KEY", the word in any case). Copies its PUBLIC part and digests the whole.
 * Returns 0, or -1 with ERR_UNAUTHORIZED where value is NULL or holds nothing of a key's shape.
 */
int auth_read(const char *value, char public_part[DB_KEY_PUBLIC_BYTES], unsigned char sha256[DIGEST_BYTES],
              struct err *err) MUST_CHECK;

#endif
