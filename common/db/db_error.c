// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_error.h"

#include "common/base/text.h"

/* SQLSTATEs (PostgreSQL's Appendix A), or the two characters of a class; the first that fits counts. */
static const struct {
    const char *state;
    enum err_code code;
} meanings[] = {
    {"08", ERR_DATABASE},    /* connection exception */
    {"22", ERR_INVALID},     /* data exception: a value that its type can't hold */
    {"23514", ERR_INVALID},  /* check violation */
    {"25006", ERR_DATABASE}, /* read only: a standby */
    {"26", ERR_DATABASE},    /* no such prepared statement: the connection is made anew */
    {"40", ERR_DATABASE},    /* rolled back: deadlock, serialization */
    {"53", ERR_DATABASE},    /* out of disk, memory, connections */
    {"55P03", ERR_DATABASE}, /* lock not available */
    {"57", ERR_DATABASE},    /* cancelled, shut down, crashed, starting */
    {"58", ERR_DATABASE},    /* system error */
};

static const char *state_of(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state == NULL ? "" : state;
}

int db_error_of_result(const PGresult *result, const char *statement, struct err *err)
{
    const char *state = state_of(result);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    enum err_code code = ERR_INTERNAL;
    if (state[0] == '\0') {
        code = ERR_DATABASE; /* not from the server: libpq lost it */
    } else if (strcmp(state, "23505") == 0 && constraint != NULL &&
               strcmp(constraint, "product_slug_key") == 0) {
        code = ERR_SLUG_TAKEN;
    } else {
        for (size_t i = 0; i < sizeof meanings / sizeof meanings[0] && code == ERR_INTERNAL; i++) {
            if (text_starts_with(state, meanings[i].state)) {
                code = meanings[i].code;
            }
        }
    }
    return err_set(err, code, "statement %s failed with SQLSTATE %s%s%s", statement,
                   state[0] == '\0' ? "none" : state, constraint == NULL ? "" : " on constraint ",
                   constraint == NULL ? "" : constraint);
}

int db_error_of_connection(const PGconn *pg, const char *what, struct err *err)
{
    const char *text = PQerrorMessage(pg);
    return err_set(err, ERR_DATABASE, "%s: %.*s", what, (int)strcspn(text, "\n"), text);
}

bool db_error_spoils(const PGresult *result)
{
    /* a statement that is gone, and a plan whose result changed its type under a migration */
    return text_starts_with(state_of(result), "26") || strcmp(state_of(result), "0A000") == 0;
}
