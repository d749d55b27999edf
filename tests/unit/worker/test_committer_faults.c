// SPDX-License-Identifier: Apache-2.0
/* What the committer makes of rows, connections and databases that fail. */
#include "tests/unit/worker/committer_place.h"

enum { SOON_MS = 5000 };

static void one_bad_row_harms_no_other(void **state)
{
    enum { ROWS = 12, BAD = 5, GONE = 8 };
    struct place *place = *state;
    for (size_t i = 0; i < ROWS; i++) {
        begun(place, i);
    }
    place->telling[BAD].made.variants[1].width_px = 0; /* the schema refuses it */
    ask_anew(place->home, place->telling[GONE].made.result.id);
    for (size_t i = 0; i < ROWS; i++) {
        tell(place, i);
    }
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(told(place, i), i == BAD ? ERR_INVALID : ERR_NONE);
        assert_int_equal(place->telling[i].commit.is_current, i != BAD && i != GONE);
        assert_int_equal(is_ready(place, i), i != BAD && i != GONE);
    }
    drop_all_tombstones(place->home);
}

static void a_bad_row_at_the_end_ends_the_group(void **state)
{
    enum { ROWS = 3 };
    struct place *place = *state;
    for (size_t i = 0; i < ROWS; i++) {
        begun(place, i);
    }
    place->telling[ROWS - 1].made.variants[1].width_px = 0;
    for (size_t i = 0; i < ROWS; i++) {
        tell(place, i);
    }
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(told(place, i), i == ROWS - 1 ? ERR_INVALID : ERR_NONE);
    }
    begun(place, ROWS);
    tell(place, ROWS);
    assert_int_equal(told(place, ROWS), ERR_NONE);
}

/* Holds a group up in the middle of its transaction: some of its rows are locked by it, one it waits for. */
static PGconn *hold_up(struct place *place, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        begun(place, i);
    }
    PGconn *pg = lock_row(place, rows / 2);
    tell_some(place, 0, rows);
    await_lock_waiters(place->home, 1);
    return pg;
}

static void a_connection_that_is_cut_in_mid_transaction_costs_a_second_try(void **state)
{
    enum { ROWS = 8 };
    struct place *place = *state;
    PGconn *pg = hold_up(place, ROWS);
    assert_int_equal(sql(place->home, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                                      "wait_event_type = 'Lock'"),
                     1);
    for (size_t i = 0; i < ROWS; i++) {
        assert_false(is_ready(place, i));
    }
    sql_on(pg, "COMMIT");
    PQfinish(pg);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(told(place, i), ERR_NONE);
        assert_true(place->telling[i].commit.is_current);
        assert_true(is_ready(place, i));
    }
}

static void groups_that_are_cut_together_are_all_tried_again(void **state)
{
    enum { SECOND = 2, ROWS = SECOND + ENOUGH };
    struct place *place = *state;
    PGconn *pg = hold_up(place, SECOND);
    for (size_t i = SECOND; i < ROWS; i++) {
        begun(place, i);
    }
    PGconn *other = lock_row(place, SECOND);
    tell_some(place, SECOND, ROWS);
    await_lock_waiters(place->home, 2);
    assert_int_equal(sql(place->home, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                                      "wait_event_type = 'Lock'"),
                     2);
    unlock(pg);
    unlock(other);
    assert_told(place, 0, ROWS);
    assert_int_equal(transactions(place), 2);
}

static void a_deadlock_costs_a_second_try(void **state)
{
    enum { ROWS = 8 };
    struct place *place = *state;
    /* time to make the knot: a waiter looks for one once, so long after it began to wait */
    sql(place->home, "ALTER SYSTEM SET deadlock_timeout = '3s'");
    sql(place->home, "SELECT pg_reload_conf()");
    PGconn *pg = hold_up(place, ROWS);
    /* the group has the first row, and we want it while it waits for ours; the group is the one that notices */
    sql_on(pg, "SET deadlock_timeout = '1h'");
    sql_on(pg, arena_format(place->home->arena, "SELECT id FROM image WHERE id = %lld FOR UPDATE",
                            (long long)place->telling[0].made.result.id));
    uint64_t start_us = clock_monotonic_us();
    while (sql(place->home, "SELECT sum(deadlocks) FROM pg_stat_database") == 0) {
        assert_true(clock_monotonic_us() - start_us < 30000000);
        uv_run(loop_uv(place->home->loop), UV_RUN_NOWAIT);
    }
    assert_int_equal(place->telling[0].switched.answers, 0);
    sql_on(pg, "COMMIT");
    PQfinish(pg);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(told(place, i), ERR_NONE);
        assert_true(place->telling[i].commit.is_current);
        assert_true(is_ready(place, i));
    }
}

static void an_outage_in_mid_transaction_leaves_nothing_half(void **state)
{
    enum { ROWS = 8 };
    struct place *place = *state;
    struct home *home = place->home;
    /* a pool that gives up soon */
    close_committer(place);
    home_close(home, home->db);
    home->db = home_open(home, postgres_server_url(home->server), HOME_CONNECTIONS, SOON_MS);
    place->committer = committer_open(home->loop, home->db, place->world->queue);
    PGconn *pg = hold_up(place, ROWS);
    /* first the session that waits: it would else have the lock where the halt ends the other one sooner */
    assert_int_equal(sql(home, "SELECT count(pg_terminate_backend(pid, 30000)) FROM pg_stat_activity WHERE "
                               "wait_event_type = 'Lock'"),
                     1);
    postgres_server_halt(home->server);
    PQfinish(pg);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(told(place, i), ERR_DATABASE);
        assert_false(place->telling[i].commit.is_current);
    }
    postgres_server_again(home->server, false);
    for (size_t i = 0; i < ROWS; i++) {
        assert_false(is_ready(place, i));
        tell(place, i);
    }
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(told(place, i), ERR_NONE);
        assert_true(is_ready(place, i));
    }
}

static void a_crash_between_commit_and_finish_is_harmless(void **state)
{
    struct place *place = *state;
    struct db_image_work work;
    int64_t id = begun(place, 0);
    push(place->world, id, JOB_HIGH, 0, 0);
    struct queue_taken taken = take_when_due(place->world, 1);
    tell(place, 0);
    assert_int_equal(told(place, 0), ERR_NONE);
    close_committer(place); /* the worker is gone, and its lease runs out */
    place->committer = committer_open(place->home->loop, place->home->db, place->world->queue);

    struct queue_taken next = take_when_due(place->world, LONG_MS);
    assert_int_equal(next.job.image, id);
    assert_true(next.lease.fence != taken.lease.fence);
    const char *processed_at = now(place->home, id).processed_at;
    assert_false(begin(place->home, id, next.job.generation, &work));
    struct telling *telling = &place->telling[0];
    committer_finish(place->committer, &telling->finish, &next.lease, await_done, &telling->finished);
    assert_int_equal(answer_of(place->home, &telling->finished), ERR_NONE);
    assert_int_equal(stats(place->world).jobs, 0);
    assert_true(is_ready(place, 0));
    assert_string_equal(now(place->home, id).processed_at, processed_at);
    assert_int_equal(sql(place->home, "SELECT count(*) FROM tombstone"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(one_bad_row_harms_no_other),
        PLACE_TEST(a_bad_row_at_the_end_ends_the_group),
        PLACE_TEST(a_connection_that_is_cut_in_mid_transaction_costs_a_second_try),
        PLACE_TEST(groups_that_are_cut_together_are_all_tried_again),
        PLACE_TEST(a_deadlock_costs_a_second_try),
        PLACE_TEST(an_outage_in_mid_transaction_leaves_nothing_half),
        PLACE_TEST(a_crash_between_commit_and_finish_is_harmless),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
