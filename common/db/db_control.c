// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_control.h"

#include "common/db/db_call.h"
#include "common/db/db_row.h"

static int take(struct db_call *call, struct err *err)
{
    struct db_control *out = call->question;
    struct db_row row = {.result = db_call_result(call, 0)};
    if (PQntuples(row.result) == 0) {
        return err_set(err, ERR_INTERNAL, "table control has lost its row");
    }
    out->is_paused = db_row_bool(&row, "is_paused");
    return 0;
}

void db_control_get(struct db *db, struct db_control *out, done_fn done, void *owner)
{
    static const struct db_statement get = {"control_get", "SELECT is_paused FROM control"};
    struct db_call *call = db_call_new(db, take, done, owner);
    call->question = out;
    db_call_add(call, &get, 0, NULL);
    db_call_start(call);
}

void db_control_set_paused(struct db *db, bool is_paused, done_fn done, void *owner)
{
    /* whoever has removed the row has not removed the meaning */
    static const struct db_statement set = {
        "control_set_paused", "INSERT INTO control (is_paused) VALUES ($1::boolean) "
                              "ON CONFLICT (is_only) DO UPDATE SET is_paused = EXCLUDED.is_paused"};
    struct db_call *call = db_call_new(db, NULL, done, owner);
    db_call_add(call, &set, 1, (const char *[]){db_call_bool(is_paused)});
    db_call_start(call);
}
