// SPDX-License-Identifier: Apache-2.0
/* How the committer makes groups, and what it waits for. */
#include "tests/unit/worker/committer_place.h"

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

static void few_that_are_told_while_others_are_on_their_way_are_in_the_next_group(void **state)
{
    enum { ROWS = 1 + ENOUGH - 1 };
    struct place *place = *state;
    for (size_t i = 0; i < ROWS; i++) {
        begun(place, i);
    }
    PGconn *pg = lock_row(place, 0);
    tell(place, 0);
    await_lock_waiters(place->home, 1);
    for (size_t i = 1; i < ROWS; i++) {
        /* each in a turn of its own: a committer that sends them one by one would do so now */
        tell(place, i);
        uv_run(loop_uv(place->home->loop), UV_RUN_NOWAIT);
    }
    unlock(pg);
    assert_told(place, 0, ROWS);
    assert_int_equal(transactions(place), 2);
}

static void enough_rows_wait_for_no_group_that_is_held_up(void **state)
{
    enum { FIRST = 3, ROWS = 1 + ENOUGH };
    struct place *place = *state;
    for (size_t i = 0; i < ROWS; i++) {
        begun(place, i);
    }
    PGconn *pg = lock_row(place, 0);
    tell(place, 0);
    await_lock_waiters(place->home, 1);
    tell_some(place, 1, FIRST);
    uv_run(loop_uv(place->home->loop), UV_RUN_NOWAIT);
    tell_some(place, FIRST, ROWS);
    assert_told(place, 1, ROWS);
    assert_int_equal(place->telling[0].switched.answers, 0);
    assert_int_equal(transactions(place), 1);
    unlock(pg);
    assert_told(place, 0, 1);
}

static void three_groups_are_on_their_way_at_most(void **state)
{
    enum { SECOND = 1, THIRD = SECOND + ENOUGH, FOURTH = THIRD + ENOUGH, ROWS = FOURTH + 2 * ENOUGH };
    struct place *place = *state;
    for (size_t i = 0; i < ROWS; i++) {
        begun(place, i);
    }
    PGconn *pgs[] = {lock_row(place, 0), lock_row(place, SECOND), lock_row(place, THIRD)};
    tell(place, 0);
    await_lock_waiters(place->home, 1);
    tell_some(place, SECOND, THIRD);
    await_lock_waiters(place->home, 2);
    tell_some(place, THIRD, FOURTH);
    await_lock_waiters(place->home, 3);
    /* these are enough for a group twice, and one group in the end */
    tell_some(place, FOURTH, FOURTH + ENOUGH);
    uv_run(loop_uv(place->home->loop), UV_RUN_NOWAIT);
    tell_some(place, FOURTH + ENOUGH, ROWS);
    uv_run(loop_uv(place->home->loop), UV_RUN_NOWAIT);
    for (size_t i = 0; i < 3; i++) {
        unlock(pgs[i]);
    }
    assert_told(place, 0, ROWS);
    assert_int_equal(transactions(place), 4);
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

static void a_second_generation_waits_for_the_first_to_be_answered(void **state)
{
    enum { ROWS = 1 + ENOUGH };
    struct place *place = *state;
    struct db_image_work work;
    int64_t id = begun(place, 0);
    for (size_t i = 1; i < ROWS; i++) {
        begun(place, i);
    }
    ask_anew(place->home, id);
    assert_true(begin(place->home, id, 2, &work));
    make_result(place->home, &place->telling[ROWS].made, id, 2);
    PGconn *pg = lock_row(place, 0);
    tell(place, 0);
    await_lock_waiters(place->home, 1);
    tell(place, ROWS);
    tell_some(place, 1, ROWS);
    assert_told(place, 1, ROWS);
    assert_int_equal(place->telling[0].switched.answers + place->telling[ROWS].switched.answers, 0);
    await_lock_waiters(place->home, 1);
    unlock(pg);
    assert_int_equal(told(place, 0), ERR_NONE);
    assert_false(place->telling[0].commit.is_current);
    assert_told(place, ROWS, ROWS + 1);
    drop_all_tombstones(place->home);
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

static void closing_waits_for_all_that_is_on_its_way(void **state)
{
    enum { ROWS = 1 + ENOUGH + 2 };
    struct place *place = *state;
    int closed = 0;
    for (size_t i = 0; i < ROWS; i++) {
        begun(place, i);
    }
    push(place->world, place->telling[0].made.result.id, JOB_HIGH, 0, 0);
    struct queue_taken taken = take_when_due(place->world, LONG_MS);
    PGconn *pg = lock_row(place, 0);
    tell(place, 0);
    await_lock_waiters(place->home, 1);
    tell_some(place, 1, 1 + ENOUGH);
    assert_told(place, 1, 1 + ENOUGH);
    tell_some(place, 1 + ENOUGH, ROWS);
    committer_finish(place->committer, &place->telling[0].finish, &taken.lease, await_done,
                     &place->telling[0].finished);
    committer_close(place->committer, await_count, &closed);
    place->committer = NULL;
    assert_int_equal(answer_of(place->home, &place->telling[0].finished), ERR_NONE);
    assert_int_equal(closed, 0);
    unlock(pg);
    assert_true(await_reached(place->home->loop, &closed, 1));
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(place->telling[i].switched.answers, 1);
        assert_true(is_ready(place, i));
    }
    assert_int_equal(stats(place->world).jobs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(an_idle_committer_commits_at_once_and_a_busy_one_in_groups),
        PLACE_TEST(few_that_are_told_while_others_are_on_their_way_are_in_the_next_group),
        PLACE_TEST(enough_rows_wait_for_no_group_that_is_held_up),
        PLACE_TEST(three_groups_are_on_their_way_at_most),
        PLACE_TEST(two_generations_of_one_image_are_in_two_groups),
        PLACE_TEST(a_second_generation_waits_for_the_first_to_be_answered),
        PLACE_TEST(finishes_are_gathered_and_a_stale_one_is_left_alone),
        PLACE_TEST(it_may_be_closed_with_its_last_answer),
        PLACE_TEST(closing_waits_for_all_that_is_on_its_way),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
