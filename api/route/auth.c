// SPDX-License-Identifier: Apache-2.0
#include "api/route/auth.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/net/loop.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { AUTH_SLOTS = 256, AUTH_KEEP_US = 5 * 1000 * 1000 };

/* A row that was found lately; a newer key with the same slot takes its place. */
struct auth_slot {
    char public_part[DB_KEY_PUBLIC_BYTES]; /* "" while empty */
    struct db_key key;
    uint64_t until_us;
};

struct auth {
    struct loop *loop;
    struct db *db;
    bool has_public_reads;
    struct auth_slot slots[AUTH_SLOTS];
};

/* One check in flight; in the request's arena. */
struct auth_check {
    struct auth *auth;
    enum route_access access;
    struct grant *grant; /* the caller's */
    done_fn done;
    void *owner;
    char public_part[DB_KEY_PUBLIC_BYTES];
    unsigned char sha256[DIGEST_BYTES];
    struct db_key key;
    struct err err; /* of a failure that is known before any query */
    struct loop_later later;
};

struct auth *auth_new(struct loop *loop, struct db *db, bool has_public_reads)
{
    struct auth *auth = alloc_zeroed(1, sizeof(*auth));
    auth->loop = loop;
    auth->db = db;
    auth->has_public_reads = has_public_reads;
    return auth;
}

void auth_free(struct auth *auth)
{
    free(auth);
}

bool auth_needs_key(const struct auth *auth, enum route_access access)
{
    return access != ROUTE_OPEN && !(access == ROUTE_READ && auth->has_public_reads);
}

static unsigned scope_of_access(enum route_access access)
{
    switch (access) {
    case ROUTE_OPEN:
    case ROUTE_READ:
        return SCOPE_NONE;
    case ROUTE_UPLOAD:
        return SCOPE_UPLOAD;
    case ROUTE_OPERATE:
        return SCOPE_OPERATE;
    case ROUTE_ADMIN:
        return SCOPE_ADMIN;
    }
    return SCOPE_ADMIN;
}

int auth_read(const char *value, char public_part[DB_KEY_PUBLIC_BYTES], unsigned char sha256[DIGEST_BYTES],
              struct err *err)
{
    enum { PREFIX = 3, PUBLIC = DB_KEY_PUBLIC_BYTES - 1, KEY = DB_KEY_TEXT_BYTES - 1 };
    static const char scheme[] = "bearer ";
    if (value == NULL || strncasecmp(value, scheme, strlen(scheme)) != 0) {
        return err_set(err, ERR_UNAUTHORIZED, "no bearer key");
    }
    const char *key = value + strlen(scheme);
    key += strspn(key, " ");
    if (strlen(key) != KEY || !text_starts_with(key, "pm_") || key[PREFIX + PUBLIC] != '_') {
        return err_set(err, ERR_UNAUTHORIZED, "the bearer token has not the shape of a key");
    }
    if (strspn(key + PREFIX, "0123456789abcdef") != PUBLIC) {
        return err_set(err, ERR_UNAUTHORIZED, "the bearer token has not the shape of a key");
    }
    memcpy(public_part, key + PREFIX, PUBLIC);
    public_part[PUBLIC] = '\0';
    digest_of(key, KEY, sha256);
    return 0;
}

/* PUBLIC is random, so that its first two digits spread well. */
static struct auth_slot *slot_of(struct auth *auth, const char *public_part)
{
    const char first[3] = {public_part[0], public_part[1], '\0'};
    unsigned char place = 0;
    return text_of_hex(first, &place, 1) ? &auth->slots[0] : &auth->slots[place];
}

/* Judges the row that was found. */
static int judge(const struct auth_check *check, struct err *err)
{
    if (!digest_equal(check->sha256, check->key.sha256)) {
        return err_set(err, ERR_UNAUTHORIZED, "the secret part of the key is wrong");
    }
    unsigned scope = scope_of_access(check->access);
    if ((check->key.scopes & scope) != scope) {
        return err_set(err, ERR_FORBIDDEN, "key %lld lacks the scope", (long long)check->key.id);
    }
    check->grant->key = check->key.id;
    check->grant->scopes = check->key.scopes;
    return 0;
}

static void answer_check(struct auth_check *check)
{
    struct err err;
    bool failed = judge(check, &err) != 0;
    check->done(check->owner, failed ? &err : NULL);
}

static void on_found(void *owner, const struct err *err)
{
    struct auth_check *check = owner;
    if (err != NULL) {
        check->done(check->owner, err);
        return;
    }
    struct auth_slot *slot = slot_of(check->auth, check->public_part);
    memcpy(slot->public_part, check->public_part, sizeof(slot->public_part));
    slot->key = check->key;
    slot->until_us = clock_monotonic_us() + AUTH_KEEP_US;
    answer_check(check);
}

static void on_refused(void *owner)
{
    struct auth_check *check = owner;
    check->done(check->owner, &check->err);
}

static void on_known(void *owner)
{
    answer_check(owner);
}

void auth_check(struct auth *auth, struct request *request, enum route_access access, struct grant *grant,
                done_fn done, void *owner)
{
    struct auth_check *check = arena_alloc(request_arena(request), sizeof(*check));
    check->auth = auth;
    check->access = access;
    check->grant = grant;
    check->done = done;
    check->owner = owner;
    if (auth_read(request_header(request, "Authorization"), check->public_part, check->sha256, &check->err)) {
        loop_call_later(auth->loop, &check->later, on_refused, check);
        return;
    }
    const struct auth_slot *slot = slot_of(auth, check->public_part);
    if (strcmp(slot->public_part, check->public_part) == 0 && clock_monotonic_us() < slot->until_us) {
        check->key = slot->key;
        loop_call_later(auth->loop, &check->later, on_known, check);
        return;
    }
    db_key_find(auth->db, check->public_part, &check->key, on_found, check);
}
