// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/db/home.h"

#include "common/db/db_pool.h"

static enum err_code check_now(struct home *home, struct db *db)
{
    struct await await = {0};
    db_check(db, await_done, &await);
    return answer_of(home, &await);
}

/* Asks until the database answers; a call that was on its way when it went may fail before. */
static void check_until_good(struct home *home, struct db *db)
{
    uint64_t start_us = clock_monotonic_us();
    for (enum err_code code = check_now(home, db); code != ERR_NONE; code = check_now(home, db)) {
        assert_int_equal(code, ERR_DATABASE);
        assert_true(clock_monotonic_us() - start_us < 60 * 1000 * 1000);
    }
}

static void an_answer_never_comes_before_the_call_returned(void **state)
{
    struct home *home = *state;
    struct await await = {0};
    db_check(home->db, await_done, &await);
    assert_int_equal(await.answers, 0);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
}

static void many_calls_are_pipelined(void **state)
{
    enum { CALLS = 2000 };
    struct home *home = *state;
    struct await *awaits = calloc(CALLS, sizeof *awaits);
    struct db_product *products = calloc(CALLS, sizeof *products);
    assert_int_equal(make_product(home, "taken", &products[0]), ERR_NONE);
    for (int i = 0; i < CALLS; i++) {
        /* every tenth fails, and touches no other */
        struct db_product wanted = {.name = "many",
                                    .slug = i % 10 == 9 ? "taken" : arena_format(home->arena, "many-%d", i),
                                    .price = arena_format(home->arena, "%d.00", i)};
        db_product_insert(home->db, home->arena, &wanted, &products[i], await_done, &awaits[i]);
    }
    for (int i = 0; i < CALLS; i++) {
        assert_true(await_reached(home->loop, &awaits[i].answers, 1));
        if (i % 10 == 9) {
            assert_int_equal(awaits[i].err.code, ERR_SLUG_TAKEN);
        } else {
            assert_int_equal(awaits[i].err.code, ERR_NONE);
            assert_string_equal(products[i].price, arena_format(home->arena, "%d.00", i));
        }
    }
    assert_int_equal(sql(home, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pixmill'"),
                     HOME_CONNECTIONS);
    free(awaits);
    free(products);
}

static void what_is_too_much_is_refused(void **state)
{
    enum { CALLS = DB_MAX_WAITING + 50 };
    struct home *home = *state;
    struct await *awaits = calloc(CALLS, sizeof *awaits);
    int refused = 0;
    for (int i = 0; i < CALLS; i++) {
        db_check(home->db, await_done, &awaits[i]);
    }
    for (int i = 0; i < CALLS; i++) {
        assert_true(await_reached(home->loop, &awaits[i].answers, 1));
        refused += awaits[i].err.code == ERR_OVERLOADED;
    }
    assert_int_equal(refused, 50);
    assert_int_equal(awaits[CALLS - 1].err.code, ERR_OVERLOADED);
    free(awaits);
}

static void a_killed_connection_heals(void **state)
{
    struct home *home = *state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(check_now(home, home->db), ERR_NONE);
        sql(home,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pixmill'");
        check_until_good(home, home->db);
    }
}

/* A call whose connection is killed under it is answered once, with an error. */
static void a_call_on_a_killed_connection_fails(void **state)
{
    struct home *home = *state;
    struct db_product product;
    struct db_image image;
    struct await await = {0};
    assert_int_equal(make_product(home, "killed", &product), ERR_NONE);
    PGconn *other = own_connection(home);
    sql_on(other, "BEGIN");
    sql_on(other, "SELECT id FROM product WHERE slug = 'killed' FOR UPDATE");
    struct db_image_new wanted = new_image(home, "killed");
    wanted.is_primary = true;
    db_image_insert(home->db, home->arena, &wanted, &image, await_done, &await);
    await_lock_waiters(home, 1);
    sql(home, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
    assert_int_equal(answer_of(home, &await), ERR_DATABASE);
    PQfinish(other);
    assert_int_equal(check_now(home, home->db), ERR_NONE);
}

/* A call that waits for a lock too long takes its connection down; the statement does not outlive it for long. */
static void a_call_past_its_deadline_fails(void **state)
{
    struct home *home = *state;
    struct db_product product;
    struct db_image image;
    struct await await = {0};
    struct db *db = home_open(home, postgres_server_url(home->server), 1, 300);
    assert_int_equal(make_product(home, "locked", &product), ERR_NONE);
    PGconn *other = own_connection(home);
    sql_on(other, "BEGIN");
    sql_on(other, "SELECT id FROM product WHERE slug = 'locked' FOR UPDATE");
    struct db_image_new wanted = new_image(home, "locked");
    wanted.is_primary = true;
    db_image_insert(db, home->arena, &wanted, &image, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_DATABASE);
    await_lock_waiters(home, 0);
    sql_on(other, "COMMIT");
    PQfinish(other);
    assert_int_equal(check_now(home, db), ERR_NONE);
    assert_int_equal(
        sql(home, "SELECT count(*) FROM image i JOIN product p ON p.id = i.product WHERE p.slug = 'locked'"),
        0);
    home_close(home, db);
}

static void a_stopped_server_fails_calls_by_their_deadline(void **state)
{
    struct home *home = *state;
    struct db *db = home_open(home, postgres_server_url(home->server), 2, 500);
    assert_int_equal(check_now(home, db), ERR_NONE);
    postgres_server_halt(home->server);
    assert_int_equal(check_now(home, db), ERR_DATABASE);
    assert_int_equal(check_now(home, db), ERR_DATABASE);
    /* a call may wait for a server that comes back: the pool of the test has more time */
    struct await patient = {0};
    db_check(home->db, await_done, &patient);
    postgres_server_again(home->server, false);
    /* it may have gone to a connection that did not know of the end yet */
    enum err_code code = answer_of(home, &patient);
    assert_true(code == ERR_NONE || code == ERR_DATABASE);
    check_until_good(home, home->db);
    check_until_good(home, db);
    home_close(home, db);
}

static void statements_that_were_lost_are_prepared_again(void **state)
{
    struct home *home = *state;
    struct db_product product;
    struct db *db = home->db;
    home->db = home_open(home, postgres_server_url(home->server), 1, HOME_TIMEOUT_MS);
    assert_int_equal(make_product(home, "prepared-1", &product), ERR_NONE);
    /* a plan whose result has another type now */
    sql(home, "ALTER TABLE product ALTER COLUMN price TYPE numeric(14, 2)");
    sql(home, "ALTER TABLE product ALTER COLUMN name TYPE varchar");
    enum err_code code = make_product(home, "prepared-2", &product);
    for (int i = 3; code != ERR_NONE && i < 6; i++) {
        code = make_product(home, arena_format(home->arena, "prepared-%d", i), &product);
    }
    assert_int_equal(code, ERR_NONE);
    home_close(home, home->db);
    home->db = db;
}

static void a_missing_schema_is_our_mistake_until_it_is_there(void **state)
{
    struct home *home = *state;
    struct db *db = home->db;
    struct db_product product;
    int applied = 0;
    struct err err = {0};
    sql(home, "CREATE DATABASE early");
    const char *url = arena_format(home->arena, "%s dbname=early", postgres_server_url(home->server));
    home->db = home_open(home, url, 2, HOME_TIMEOUT_MS);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(make_product(home, "early", &product), ERR_INTERNAL);
    }
    assert_int_equal(db_migrate(url, &applied, &err), 0);
    assert_int_equal(make_product(home, "early", &product), ERR_NONE);
    home_close(home, home->db);
    home->db = db;
}

static void closing_answers_what_is_pending(void **state)
{
    enum { CALLS = 100 };
    struct home *home = *state;
    struct await early[CALLS] = {0};
    struct await late = {0};
    struct db *db = home_open(home, postgres_server_url(home->server), 2, HOME_TIMEOUT_MS);
    assert_int_equal(check_now(home, db), ERR_NONE);
    for (int i = 0; i < CALLS; i++) {
        db_check(db, await_done, &early[i]);
    }
    /* some are sent, and perhaps answered, some wait */
    uv_run(loop_uv(home->loop), UV_RUN_NOWAIT);
    int closed = 0;
    home_forget(home, db);
    db_close(db, await_count, &closed);
    db_check(db, await_done, &late);
    assert_true(await_reached(home->loop, &closed, 1));
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(early[i].answers, 1);
        assert_true(early[i].err.code == ERR_SHUTDOWN || early[i].err.code == ERR_NONE);
    }
    assert_int_equal(early[CALLS - 1].err.code, ERR_SHUTDOWN);
    assert_int_equal(late.answers, 1);
    assert_int_equal(late.err.code, ERR_SHUTDOWN);
}

static void closing_while_connecting(void **state)
{
    struct home *home = *state;
    for (int turns = 0; turns < 12; turns++) {
        struct db *db = home_open(home, postgres_server_url(home->server), 2, HOME_TIMEOUT_MS);
        for (int i = 0; i < turns; i++) {
            uv_run(loop_uv(home->loop), UV_RUN_NOWAIT);
        }
        home_close(home, db);
    }
}

static void a_host_is_looked_up_without_blocking(void **state)
{
    struct home *home = *state;
    postgres_server_halt(home->server);
    postgres_server_again(home->server, true);
    const char *url = arena_format(home->arena, "postgresql://pixmill@localhost:%d/postgres?sslmode=disable",
                                   postgres_server_port(home->server));
    struct db *db = home_open(home, url, 1, HOME_TIMEOUT_MS);
    assert_int_equal(check_now(home, db), ERR_NONE);
    assert_int_equal(sql(home, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pixmill' AND "
                               "host(client_addr) = '127.0.0.1'"),
                     1);
    home_close(home, db);

    url = arena_format(home->arena, "postgresql://pixmill@127.0.0.1:%d/postgres",
                       postgres_server_port(home->server));
    db = home_open(home, url, 1, HOME_TIMEOUT_MS);
    assert_int_equal(check_now(home, db), ERR_NONE);
    home_close(home, db);

    db = home_open(home, "postgresql://pixmill@no-such-host.invalid/postgres", 1, 300);
    assert_int_equal(check_now(home, db), ERR_DATABASE);
    home_close(home, db);
    db = home_open(home, "postgresql://pixmill@no-such-host.invalid/postgres", 1, 300);
    uv_run(loop_uv(home->loop), UV_RUN_NOWAIT);
    uv_run(loop_uv(home->loop), UV_RUN_NOWAIT);
    home_close(home, db);
    postgres_server_halt(home->server);
    postgres_server_again(home->server, false);
}

static void a_bad_url_is_told_without_quoting_it(void **state)
{
    static const char *const urls[] = {"postgresql://ann:secret@[", "nonsense", "host='open secret",
                                       "unknown=secret", "postgresql://ann:secret@one,two/db"};
    struct home *home = *state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct err err = {0};
        struct db_options options = {.url = urls[i], .connections = 1, .timeout_ms = 1000};
        assert_null(db_open(home->loop, &options, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        assert_null(strstr(err.sentence, "secret"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(an_answer_never_comes_before_the_call_returned),
        HOME_TEST(many_calls_are_pipelined),
        HOME_TEST(what_is_too_much_is_refused),
        HOME_TEST(a_killed_connection_heals),
        HOME_TEST(a_call_on_a_killed_connection_fails),
        HOME_TEST(a_call_past_its_deadline_fails),
        HOME_TEST(a_stopped_server_fails_calls_by_their_deadline),
        HOME_TEST(statements_that_were_lost_are_prepared_again),
        HOME_TEST(a_missing_schema_is_our_mistake_until_it_is_there),
        HOME_TEST(closing_answers_what_is_pending),
        HOME_TEST(closing_while_connecting),
        HOME_TEST(a_host_is_looked_up_without_blocking),
        HOME_TEST(a_bad_url_is_told_without_quoting_it),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
