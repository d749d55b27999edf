// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_key.h"

#include "common/base/random.h"
#include "common/base/text.h"
#include "common/db/db_blocking.h"
#include "common/db/db_call.h"
#include "common/db/db_row.h"

enum { PUBLIC_BYTES = 8, SECRET_BYTES = 32, NAME_CHARACTERS = 200 };

static const struct {
    const char *word;
    enum db_scope scope;
} words[] = {{"upload", SCOPE_UPLOAD}, {"operate", SCOPE_OPERATE}, {"admin", SCOPE_ADMIN}};

static int take(struct db_call *call, struct err *err)
{
    struct db_key *out = call->question;
    struct db_row row = {.result = db_call_result(call, 0)};
    if (PQntuples(row.result) == 0) {
        return err_set(err, ERR_UNAUTHORIZED, "no such key");
    }
    out->id = db_row_int64(&row, "id");
    out->scopes = (unsigned)db_row_int(&row, "scopes");
    db_row_hex(&row, "sha256", out->sha256, sizeof out->sha256);
    return 0;
}

void db_key_find(struct db *db, const char *public_part, struct db_key *out, done_fn done, void *owner)
{
    static const struct db_statement find = {
        "key_find", "SELECT id, scopes, encode(sha256, 'hex') AS sha256 FROM api_key "
                    "WHERE public_part = $1 AND revoked_at IS NULL"};
    struct db_call *call = db_call_new(db, take, done, owner);
    call->question = out;
    db_call_add(call, &find, 1, (const char *[]){arena_string(call->arena, public_part)});
    db_call_start(call);
}

/* The scope of a word that ends at a comma or at the end, or SCOPE_NONE. */
static enum db_scope scope_of(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i].word) == length && memcmp(words[i].word, word, length) == 0) {
            return words[i].scope;
        }
    }
    return SCOPE_NONE;
}

int db_key_scopes_of_text(const char *text, unsigned *scopes, struct err *err)
{
    unsigned found = 0;
    for (const char *word = text;; word++) {
        size_t length = strcspn(word, ",");
        enum db_scope scope = scope_of(word, length);
        if (scope == SCOPE_NONE) {
            return err_set(err, ERR_INVALID, "scopes are upload, operate and admin, separated by commas");
        }
        found |= (unsigned)scope;
        word += length;
        if (*word == '\0') {
            *scopes = found;
            return 0;
        }
    }
}

/* A key: "pm_" PUBLIC "_" SECRET. */
static void make_key(char public_part[2 * PUBLIC_BYTES + 1], char key[DB_KEY_TEXT_BYTES])
{
    unsigned char bytes[SECRET_BYTES];
    char secret[2 * SECRET_BYTES + 1];
    random_bytes(bytes, PUBLIC_BYTES);
    text_hex(bytes, PUBLIC_BYTES, public_part);
    random_bytes(bytes, SECRET_BYTES);
    text_hex(bytes, SECRET_BYTES, secret);
    snprintf(key, DB_KEY_TEXT_BYTES, "pm_%s_%s", public_part, secret);
}

int db_key_create(const char *url, const char *name, unsigned scopes, char out[DB_KEY_TEXT_BYTES],
                  struct err *err)
{
    char public_part[2 * PUBLIC_BYTES + 1];
    char key[DB_KEY_TEXT_BYTES];
    unsigned char digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_BYTES];
    char scopes_text[16];
    size_t characters = text_is_utf8(name, strlen(name)) ? text_characters(name) : 0;
    if (characters == 0 || characters > NAME_CHARACTERS) {
        return err_set(err, ERR_INVALID, "the name of a key has 1 to %d characters", NAME_CHARACTERS);
    }
    make_key(public_part, key);
    digest_of(key, strlen(key), digest);
    text_hex(digest, sizeof digest, hex);
    snprintf(scopes_text, sizeof scopes_text, "%u", scopes);
    PGconn *pg = db_blocking_open(url, err);
    if (pg == NULL) {
        return -1;
    }
    const char *const values[] = {name, public_part, hex, scopes_text};
    PGresult *result = db_blocking_run(pg,
                                       "INSERT INTO api_key (name, public_part, sha256, scopes) "
                                       "VALUES ($1, $2, decode($3, 'hex'), $4::integer)",
                                       4, values, err);
    PQclear(result);
    PQfinish(pg);
    if (result == NULL) {
        return -1;
    }
    memcpy(out, key, sizeof key);
    return 0;
}
