// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/db/home.h"

#include <glob.h>
#include <sys/wait.h>
#include <unistd.h>

/* A new, empty database on the server; its URL in the arena. */
static const char *new_database(struct home *home, const char *name)
{
    sql(home, arena_format(home->arena, "CREATE DATABASE %s", name));
    return arena_format(home->arena, "%s dbname=%s", postgres_server_url(home->server), name);
}

static int64_t sql_at(const char *url, const char *text)
{
    PGconn *pg = PQconnectdb(url);
    assert_int_equal(PQstatus(pg), CONNECTION_OK);
    int64_t number = sql_on(pg, text);
    PQfinish(pg);
    return number;
}

static int migration_files(void)
{
    glob_t found;
    assert_int_equal(glob(PIXMILL_SOURCE_DIR "/deploy/migrations/*.sql", 0, NULL, &found), 0);
    int count = (int)found.gl_pathc;
    globfree(&found);
    return count;
}

static void each_is_applied_once(void **state)
{
    struct home *home = *state;
    const char *url = new_database(home, "once");
    int applied = -1;
    struct err err = {0};
    assert_int_equal(db_migrate(url, &applied, &err), 0);
    assert_int_equal(applied, migration_files());
    assert_int_equal(sql_at(url, "SELECT count(*) FROM schema_migration"), applied);
    assert_int_equal(sql_at(url,
                            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename IN "
                            "('api_key', 'product', 'image', 'variant', 'tombstone', 'schema_migration')"),
                     6);
    assert_int_equal(db_migrate(url, &applied, &err), 0);
    assert_int_equal(applied, 0);
}

static void two_starts_at_once_are_safe(void **state)
{
    enum { STARTS = 4 };
    struct home *home = *state;
    const char *url = new_database(home, "concurrent");
    pid_t children[STARTS];
    int applied_by_all = 0;
    for (int i = 0; i < STARTS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            int applied = -1;
            struct err err = {0};
            if (db_migrate(url, &applied, &err) != 0) {
                print_error("%s\n", err.sentence);
                _exit(100);
            }
            _exit(applied);
        }
    }
    for (int i = 0; i < STARTS; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_not_equal(WEXITSTATUS(status), 100);
        applied_by_all += WEXITSTATUS(status);
    }
    assert_int_equal(applied_by_all, migration_files());
}

static void a_failure_leaves_the_database_as_it_was(void **state)
{
    struct home *home = *state;
    const char *url = new_database(home, "half");
    int applied = -1;
    struct err err = {0};
    /* the last table of the first migration is in the way */
    sql_at(url, "CREATE TABLE tombstone (mine integer)");
    assert_int_equal(db_migrate(url, &applied, &err), -1);
    assert_int_equal(applied, -1);
    assert_non_null(strstr(err.sentence, "migration 0001_first"));
    assert_non_null(strstr(err.sentence, "tombstone"));
    assert_int_equal(sql_at(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 1);
    sql_at(url, "DROP TABLE tombstone");
    assert_int_equal(db_migrate(url, &applied, &err), 0);
}

static void a_changed_migration_is_refused(void **state)
{
    struct home *home = *state;
    const char *url = new_database(home, "changed");
    int applied = -1;
    struct err err = {0};
    assert_int_equal(db_migrate(url, &applied, &err), 0);
    sql_at(url, "UPDATE schema_migration SET sha256 = 'other' WHERE number = 1");
    assert_int_equal(db_migrate(url, &applied, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_int_equal(db_migrate("host=/no/such/folder", &applied, &err), -1);
    assert_int_equal(err.code, ERR_DATABASE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(each_is_applied_once),
        HOME_TEST(two_starts_at_once_are_safe),
        HOME_TEST(a_failure_leaves_the_database_as_it_was),
        HOME_TEST(a_changed_migration_is_refused),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
