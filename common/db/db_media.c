// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_media.h"

#include "common/db/db_call.h"
#include "common/db/db_row.h"

struct ask {
    struct arena *arena;
    struct db_media *out;
};

static int take(struct db_call *call, struct err *err)
{
    const struct ask *ask = call->question;
    struct db_row row = {.result = db_call_result(call, 0), .arena = ask->arena};
    if (PQntuples(row.result) == 0) {
        return err_set(err, ERR_NOT_FOUND, "no row refers to this file");
    }
    *ask->out = (struct db_media){
        .format = db_row_format(&row, "format"),
        .bytes = db_row_int64(&row, "bytes"),
        .sha256 = db_row_text(&row, "sha256"),
    };
    return 0;
}

void db_media_get(struct db *db, struct arena *arena, const char *stored_name, struct db_media *out,
                  done_fn done, void *owner)
{
    static const struct db_statement get = {
        "media_get",
        "SELECT format, bytes, encode(sha256, 'hex') AS sha256 FROM image WHERE stored_name = $1 "
        "UNION ALL SELECT format, bytes, NULL FROM variant WHERE stored_name = $1 LIMIT 1"};
    struct db_call *call = db_call_new(db, take, done, owner);
    struct ask *ask = arena_alloc(call->arena, sizeof *ask);
    *ask = (struct ask){.arena = arena, .out = out};
    call->question = ask;
    db_call_add(call, &get, 1, (const char *[]){arena_string(call->arena, stored_name)});
    db_call_start(call);
}
