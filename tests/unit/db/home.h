// SPDX-License-Identifier: Apache-2.0
/*
 * What the tests of the database share: one private PostgreSQL a program, migrated; for each test a loop and a pool; and each
 * question as one blocking call.
 */
#ifndef PIXMILL_TESTS_DB_HOME_H
#define PIXMILL_TESTS_DB_HOME_H

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/db/db.h"
#include "common/db/db_image.h"
#include "common/db/db_migrate.h"
#include "common/db/db_product.h"
#include "common/net/loop.h"
#include "tests/support/await.h"
#include "tests/support/postgres_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <libpq-fe.h>

enum { HOME_CONNECTIONS = 3, HOME_TIMEOUT_MS = 20000, HOME_POOLS = 4 };

struct home {
    struct postgres_server *server;
    struct loop *loop;
    struct db *db; /* what the helpers below ask */
    struct arena *arena;
    struct db *open[HOME_POOLS]; /* all that are open, so that a failed test ends, too */
};

static inline int home_group_start(void **state)
{
    struct home *home = calloc(1, sizeof *home);
    struct err err = {0};
    int applied = 0;
    home->server = postgres_server_start();
    if (db_migrate(postgres_server_url(home->server), &applied, &err) != 0) {
        print_error("%s\n", err.sentence);
        return -1;
    }
    *state = home;
    return 0;
}

static inline int home_group_stop(void **state)
{
    struct home *home = *state;
    postgres_server_stop(home->server);
    free(home);
    return 0;
}

static inline struct db *home_open(struct home *home, const char *url, size_t connections,
                                   uint64_t timeout_ms)
{
    struct err err = {0};
    struct db_options options = {.url = url, .connections = connections, .timeout_ms = timeout_ms};
    struct db *db = db_open(home->loop, &options, &err);
    assert_non_null(db);
    size_t place = 0;
    while (home->open[place] != NULL) {
        place++;
        assert_true(place < HOME_POOLS);
    }
    home->open[place] = db;
    return db;
}

static inline int home_start(void **state)
{
    struct home *home = *state;
    home->loop = loop_new(NULL);
    home->arena = arena_new();
    home->db = home_open(home, postgres_server_url(home->server), HOME_CONNECTIONS, HOME_TIMEOUT_MS);
    return 0;
}

/* For a test that closes a pool by itself. */
static inline void home_forget(struct home *home, struct db *db)
{
    for (size_t i = 0; i < HOME_POOLS; i++) {
        home->open[i] = home->open[i] == db ? NULL : home->open[i];
    }
}

static inline void home_close(struct home *home, struct db *db)
{
    int closed = 0;
    home_forget(home, db);
    db_close(db, await_count, &closed);
    assert_int_equal(closed, 0);
    assert_true(await_reached(home->loop, &closed, 1));
}

static inline int home_stop(void **state)
{
    struct home *home = *state;
    for (size_t i = 0; i < HOME_POOLS; i++) {
        if (home->open[i] != NULL) {
            home_close(home, home->open[i]);
        }
    }
    loop_run(home->loop);
    loop_free(home->loop);
    arena_free(home->arena);
    return 0;
}

/* Waits for the answer of a call that has just been made. */
static inline enum err_code answer_of(struct home *home, struct await *await)
{
    assert_int_equal(await->answers, 0);
    assert_true(await_reached(home->loop, &await->answers, 1));
    return await->err.code;
}

/* A connection of the test's own, to look at rows and to disturb. */
static inline PGconn *own_connection(struct home *home)
{
    PGconn *pg = PQconnectdb(postgres_server_url(home->server));
    assert_int_equal(PQstatus(pg), CONNECTION_OK);
    return pg;
}

/* Runs SQL on the test's own connection and gives the first value as a number (0 where there is none). */
static inline int64_t sql_on(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
        print_error("%s", PQresultErrorMessage(result));
        fail();
    }
    int64_t number = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return number;
}

static inline int64_t sql(struct home *home, const char *text)
{
    PGconn *pg = own_connection(home);
    int64_t number = sql_on(pg, text);
    PQfinish(pg);
    return number;
}

/* Runs the loop until the number of sessions that wait for a lock is what it should be; fails after half a minute. */
static inline void await_lock_waiters(struct home *home, int64_t expected)
{
    uint64_t start_us = clock_monotonic_us();
    while (sql(home, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") != expected) {
        assert_true(clock_monotonic_us() - start_us < 30 * 1000 * 1000);
        uv_run(loop_uv(home->loop), UV_RUN_NOWAIT);
    }
}

static inline enum err_code make_product(struct home *home, const char *slug, struct db_product *out)
{
    struct await await = {0};
    struct db_product wanted = {
        .name = "A product", .slug = slug, .description = "described", .price = "19.90"};
    db_product_insert(home->db, home->arena, &wanted, out, await_done, &await);
    return answer_of(home, &await);
}

/* What an upload would insert: a stored name of its own. */
static inline struct db_image_new new_image(struct home *home, const char *slug)
{
    char uuid[RANDOM_UUID_BYTES];
    random_uuid(uuid);
    struct db_image_new wanted = {
        .product_slug = slug,
        .stored_name = arena_format(home->arena, "products/2026/01/31/%s.jpg", uuid),
        .format = IMAGE_JPEG,
        .bytes = 12345,
        .alt_text = "a \"shoe\"",
        .caption = "\xc3\xa4 {1,2}\\",
    };
    random_bytes(wanted.sha256, sizeof wanted.sha256);
    return wanted;
}

static inline enum err_code insert_image(struct home *home, const struct db_image_new *wanted,
                                         struct db_image *out)
{
    struct await await = {0};
    db_image_insert(home->db, home->arena, wanted, out, await_done, &await);
    return answer_of(home, &await);
}

static inline struct db_image make_image(struct home *home, const char *slug)
{
    struct db_image image;
    struct db_image_new wanted = new_image(home, slug);
    assert_int_equal(insert_image(home, &wanted, &image), ERR_NONE);
    return image;
}

static inline enum err_code get_image(struct home *home, int64_t id, const char *slug, struct db_image *out)
{
    struct await await = {0};
    db_image_get(home->db, home->arena, id, slug, out, await_done, &await);
    return answer_of(home, &await);
}

#define HOME_TEST(fn) cmocka_unit_test_setup_teardown(fn, home_start, home_stop)

#endif
