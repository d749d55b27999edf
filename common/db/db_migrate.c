// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_migrate.h"

#include "common/base/digest.h"
#include "common/base/text.h"
#include "common/db/db_blocking.h"
#include "common/db/db_migrate_table.h"

/* Any number that nobody else takes: who holds this advisory lock may change the schema. */
#define LOCK "SELECT pg_advisory_xact_lock(7216344805)"

static int run(PGconn *pg, const char *sql, int count, const char *const *values, struct err *err)
{
    PGresult *result = db_blocking_run(pg, sql, count, values, err);
    PQclear(result);
    return result == NULL ? -1 : 0;
}

/* The lock is taken before anything is read, and held until the transaction ends. */
static int begin(PGconn *pg, struct err *err)
{
    if (run(pg, "BEGIN; " LOCK, 0, NULL, err) != 0) {
        return -1;
    }
    return run(pg,
               "CREATE TABLE IF NOT EXISTS schema_migration (number integer PRIMARY KEY, name text NOT NULL, "
               "sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()); "
               "COMMENT ON TABLE schema_migration IS 'Which migrations were applied, and what they said'",
               0, NULL, err);
}

/* Applies a migration, unless it was. Returns 1 where it did, 0 where there was nothing to do, -1 with *err. */
static int apply(PGconn *pg, const struct db_migration *migration, struct err *err)
{
    unsigned char digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_BYTES];
    char number[16];
    const char *const row[] = {number, migration->name, hex};
    snprintf(number, sizeof number, "%d", migration->number);
    digest_of(migration->sql, strlen(migration->sql), digest);
    text_hex(digest, sizeof digest, hex);

    PGresult *known =
        db_blocking_run(pg, "SELECT sha256 FROM schema_migration WHERE number = $1::integer", 1, row, err);
    if (known == NULL) {
        return -1;
    }
    bool is_applied = PQntuples(known) > 0;
    bool is_same = is_applied && strcmp(PQgetvalue(known, 0, 0), hex) == 0;
    PQclear(known);
    if (is_applied) {
        return is_same ? 0
                       : err_set(err, ERR_CONFIG, "migration %s was changed after it had been applied",
                                 migration->name);
    }
    if (run(pg, migration->sql, 0, NULL, err) != 0 ||
        run(pg, "INSERT INTO schema_migration (number, name, sha256) VALUES ($1::integer, $2, $3)", 3, row,
            err) != 0) {
        return err_context(err, "migration %s", migration->name);
    }
    return 1;
}

int db_migrate(const char *url, int *applied, struct err *err)
{
    int status = -1;
    int count = 0;
    PGconn *pg = db_blocking_open(url, err);
    if (pg == NULL || begin(pg, err) != 0) {
        goto out;
    }
    for (const struct db_migration *migration = db_migrations; migration->number != 0; migration++) {
        int did = apply(pg, migration, err);
        if (did < 0) {
            goto out;
        }
        count += did;
    }
    if (run(pg, "COMMIT", 0, NULL, err) != 0) {
        goto out;
    }
    *applied = count;
    status = 0;
out:
    /* what was not committed is rolled back with the connection */
    PQfinish(pg);
    return status;
}
