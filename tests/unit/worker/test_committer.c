// SPDX-License-Identifier: Apache-2.0
/* The committer on a real PostgreSQL and a real Redis. */
#include "worker/committer.h"

#include "tests/unit/db/work.h"
#include "tests/unit/queue/queue_world.h"

enum { JOBS = 100, SOON_MS = 5000 };

/* A row and a lease on their way. */
struct telling {
    struct made made;
    struct commit commit;
    struct commit_finish finish;
    struct await switched;
    struct await finished;
};

struct place {
    struct home *home;
    struct world *world; /* its loop is the home's */
    struct committer *committer;
    struct telling telling[JOBS];
};

static int place_start(void **state)
{
    struct home *home = *state;
    struct place *place = calloc(1, sizeof *place);
    void *world = NULL;
    home_start(state);
    world_setup(&world);
    place->home = home;
    place->world = world;
    /* both on one loop: the world's */
    home_close(home, home->db);
    loop_run(home->loop);
    loop_free(home->loop);
    home->loop = place->world->loop;
    home->db = home_open(home, postgres_server_url(home->server), HOME_CONNECTIONS, HOME_TIMEOUT_MS);
    place->committer = committer_open(home->loop, home->db, place->world->queue);
    *state = place;
    return 0;
}

static void close_committer(struct place *place)
{
    int closed = 0;
    committer_close(place->committer, await_count, &closed);
    assert_int_equal(closed, 0);
    assert_true(await_reached(place->home->loop, &closed, 1));
    place->committer = NULL;
}

static int place_stop(void **state)
{
    struct place *place = *state;
    struct home *home = place->home;
    void *world = place->world;
    if (place->committer != NULL) {
        close_committer(place);
    }
    for (size_t i = 0; i < HOME_POOLS; i++) {
        if (home->open[i] != NULL) {
            home_close(home, home->open[i]);
        }
    }
    world_teardown(&world);
    arena_free(home->arena);
    free(place);
    *state = home;
    return 0;
}

/* An image on which work was begun; its result in telling[n]. */
static int64_t begun(struct place *place, size_t n)
{
    struct db_image_work work;
    struct db_image image = make_image(place->home, NULL);
    assert_true(begin(place->home, image.id, 1, &work));
    make_result(place->home, &place->telling[n].made, image.id, 1);
    return image.id;
}

static void tell(struct place *place, size_t n)
{
    struct telling *telling = &place->telling[n];
    telling->switched = (struct await){0};
    committer_switch(place->committer, &telling->commit, &telling->made.result, await_done,
                     &telling->switched);
    assert_int_equal(telling->switched.answers, 0);
}

static enum err_code told(struct place *place, size_t n)
{
    struct await *await = &place->telling[n].switched;
    assert_true(await_reached(place->home->loop, &await->answers, 1));
    assert_int_equal(await->answers, 1);
    return await->err.code;
}

static bool is_ready(struct place *place, size_t n)
{
    struct db_image image = now(place->home, place->telling[n].made.result.id);
    bool is_ready = strcmp(image.status, "ready") == 0;
    assert_int_equal(image.variant_count, is_ready ? VARIANTS : 0);
    return is_ready;
}

static int64_t transactions(struct place *place)
{
    return sql(place->home, arena_format(place->home->arena,
                                         "SELECT count(DISTINCT xmin::text) FROM image WHERE id >= %lld AND "
                                         "status = 'ready'",
                                         (long long)place->telling[0].made.result.id));
}

static void an_idle_committer_commits_at_once_and_a_busy_one_in_groups(void **state)
{
    struct place *place = *state;
    for (size_t i = 0; i < JOBS; i++) {
        begun(place, i);
    }
    tell(place, 0);
    assert_int_equal(told(place, 0), ERR_NONE);
    assert_int_equal(transactions(place), 1);
    for (size_t i = 1; i < JOBS; i++) {
        tell(place, i);
    }
    for (size_t i = 1; i < JOBS; i++) {
        assert_int_equal(told(place, i), ERR_NONE);
    }
    for (size_t i = 0; i < JOBS; i++) {
        assert_true(place->telling[i].commit.is_current);
        assert_true(is_ready(place, i));
    }
    /* 32, 32, 32, 3 */
    assert_int_equal(transactions(place), 1 + 4);
}

static void one_that_is_told_while_others_are_on_their_way_is_in_the_next_group(void **state)
{
    struct place *place = *state;
    PGconn *pg = own_connection(place->home);
    int64_t first = begun(place, 0);
    for (size_t i = 1; i < 10; i++) {
        begun(place, i);
    }
    sql_on(pg, "BEGIN");
    sql_on(pg, arena_format(place->home->arena, "SELECT id FROM image WHERE id = %lld FOR UPDATE",
                            (long long)first));
    tell(place, 0);
    await_lock_waiters(place->home, 1);
    for (size_t i = 1; i < 10; i++) {
        tell(place, i);
    }
    sql_on(pg, "COMMIT");
    PQfinish(pg);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(told(place, i), ERR_NONE);
        assert_true(is_ready(place, i));
    }
    assert_int_equal(transactions(place), 2);
}

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

static void two_generations_of_one_image_are_in_two_groups(void **state)
{
    struct place *place = *state;
    struct db_image_work work;
    int64_t id = begun(place, 0);
    begun(place, 2);
    ask_anew(place->home, id);
    assert_true(begin(place->home, id, 2, &work));
    make_result(place->home, &place->telling[1].made, id, 2);
    for (size_t i = 0; i < 3; i++) {
        tell(place, i);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(told(place, i), ERR_NONE);
        assert_int_equal(place->telling[i].commit.is_current, i != 0);
    }
    assert_string_equal(now(place->home, id).variants[0].stored_name,
                        place->telling[1].made.variants[0].stored_name);
    drop_all_tombstones(place->home);
}

/* Holds a group up in the middle of its transaction: some of its rows are locked by it, one it waits for. */
static PGconn *hold_up(struct place *place, size_t rows)
{
    PGconn *pg = own_connection(place->home);
    for (size_t i = 0; i < rows; i++) {
        begun(place, i);
    }
    sql_on(pg, "BEGIN");
    sql_on(pg, arena_format(place->home->arena, "SELECT id FROM image WHERE id = %lld FOR UPDATE",
                            (long long)place->telling[rows / 2].made.result.id));
    for (size_t i = 0; i < rows; i++) {
        tell(place, i);
    }
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

static long long script_calls(struct place *place)
{
    redisReply *reply = redisCommand(place->world->raw, "INFO commandstats");
    assert_non_null(reply);
    const char *line = strstr(reply->str, "cmdstat_evalsha:calls=");
    long long calls = line != NULL ? strtoll(strchr(line, '=') + 1, NULL, 10) : 0;
    freeReplyObject(reply);
    return calls;
}

static void finishes_are_gathered_and_a_stale_one_is_left_alone(void **state)
{
    struct place *place = *state;
    struct queue_taken taken[QUEUE_TAKE_MAX];
    size_t count = 0;
    for (int64_t i = 0; i < JOBS; i++) {
        push(place->world, i + 1, JOB_HIGH, 0, 0);
    }
    while (count < JOBS) {
        size_t got = take(place->world, QUEUE_TAKE_MAX, LONG_MS, taken);
        for (size_t i = 0; i < got; i++) {
            place->telling[count++].finish.lease = taken[i].lease;
        }
    }
    place->telling[7].finish.lease.fence--; /* somebody else's by now */
    long long before = script_calls(place);
    for (size_t i = 0; i < JOBS; i++) {
        struct telling *telling = &place->telling[i];
        const struct queue_lease lease = telling->finish.lease;
        committer_finish(place->committer, &telling->finish, &lease, await_done, &telling->finished);
        assert_int_equal(telling->finished.answers, 0);
    }
    for (size_t i = 0; i < JOBS; i++) {
        struct telling *telling = &place->telling[i];
        assert_true(await_reached(place->home->loop, &telling->finished.answers, 1));
        assert_int_equal(telling->finished.err.code, ERR_NONE);
    }
    assert_int_equal(script_calls(place) - before, 4);
    assert_int_equal(stats(place->world).jobs, 1);
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

/* As the last job of a worker that stops. */
struct closer {
    struct place *place;
    int answers;
    int closed;
};

static void on_last(void *owner, const struct err *err)
{
    struct closer *closer = owner;
    assert_null(err);
    closer->answers++;
    committer_close(closer->place->committer, await_count, &closer->closed);
    closer->place->committer = NULL;
}

static void it_may_be_closed_with_its_last_answer(void **state)
{
    struct place *place = *state;
    struct closer closer = {.place = place};
    begun(place, 0);
    committer_switch(place->committer, &place->telling[0].commit, &place->telling[0].made.result, on_last,
                     &closer);
    assert_true(await_reached(place->home->loop, &closer.closed, 1));
    assert_int_equal(closer.answers, 1);
    assert_true(is_ready(place, 0));
}

#define PLACE_TEST(fn) cmocka_unit_test_setup_teardown(fn, place_start, place_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(an_idle_committer_commits_at_once_and_a_busy_one_in_groups),
        PLACE_TEST(one_that_is_told_while_others_are_on_their_way_is_in_the_next_group),
        PLACE_TEST(one_bad_row_harms_no_other),
        PLACE_TEST(a_bad_row_at_the_end_ends_the_group),
        PLACE_TEST(two_generations_of_one_image_are_in_two_groups),
        PLACE_TEST(a_connection_that_is_cut_in_mid_transaction_costs_a_second_try),
        PLACE_TEST(a_deadlock_costs_a_second_try),
        PLACE_TEST(an_outage_in_mid_transaction_leaves_nothing_half),
        PLACE_TEST(finishes_are_gathered_and_a_stale_one_is_left_alone),
        PLACE_TEST(a_crash_between_commit_and_finish_is_harmless),
        PLACE_TEST(it_may_be_closed_with_its_last_answer),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
