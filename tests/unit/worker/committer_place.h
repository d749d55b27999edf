// SPDX-License-Identifier: Apache-2.0
/* What the tests of the committer share: one on a real PostgreSQL and a real Redis, and rows that are told to it. */
#ifndef PIXMILL_TESTS_WORKER_COMMITTER_PLACE_H
#define PIXMILL_TESTS_WORKER_COMMITTER_PLACE_H

#include "tests/unit/db/work.h"
#include "tests/unit/queue/queue_world.h"
#include "worker/committer.h"

enum { JOBS = 100, ENOUGH = 8 /* rows that wait for no other group */ };

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

static inline int place_start(void **state)
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

static inline void close_committer(struct place *place)
{
    int closed = 0;
    committer_close(place->committer, await_count, &closed);
    assert_int_equal(closed, 0);
    assert_true(await_reached(place->home->loop, &closed, 1));
    place->committer = NULL;
}

static inline int place_stop(void **state)
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
static inline int64_t begun(struct place *place, size_t n)
{
    struct db_image_work work;
    struct db_image image = make_image(place->home, NULL);
    assert_true(begin(place->home, image.id, 1, &work));
    make_result(place->home, &place->telling[n].made, image.id, 1);
    return image.id;
}

static inline void tell(struct place *place, size_t n)
{
    struct telling *telling = &place->telling[n];
    telling->switched = (struct await){0};
    committer_switch(place->committer, &telling->commit, &telling->made.result, await_done,
                     &telling->switched);
    assert_int_equal(telling->switched.answers, 0);
}

static inline enum err_code told(struct place *place, size_t n)
{
    struct await *await = &place->telling[n].switched;
    assert_true(await_reached(place->home->loop, &await->answers, 1));
    assert_int_equal(await->answers, 1);
    return await->err.code;
}

static inline bool is_ready(struct place *place, size_t n)
{
    struct db_image image = now(place->home, place->telling[n].made.result.id);
    bool is_ready = strcmp(image.status, "ready") == 0;
    assert_int_equal(image.variant_count, is_ready ? VARIANTS : 0);
    return is_ready;
}

static inline int64_t transactions(struct place *place)
{
    return sql(place->home, arena_format(place->home->arena,
                                         "SELECT count(DISTINCT xmin::text) FROM image WHERE id >= %lld AND "
                                         "status = 'ready'",
                                         (long long)place->telling[0].made.result.id));
}

static inline void tell_some(struct place *place, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        tell(place, i);
    }
}

static inline void assert_told(struct place *place, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        assert_int_equal(told(place, i), ERR_NONE);
        assert_true(place->telling[i].commit.is_current);
        assert_true(is_ready(place, i));
    }
}

/* A transaction that has the n-th row, so that whoever switches it waits. */
static inline PGconn *lock_row(struct place *place, size_t n)
{
    PGconn *pg = own_connection(place->home);
    sql_on(pg, "BEGIN");
    sql_on(pg, arena_format(place->home->arena, "SELECT id FROM image WHERE id = %lld FOR UPDATE",
                            (long long)place->telling[n].made.result.id));
    return pg;
}

static inline void unlock(PGconn *pg)
{
    sql_on(pg, "COMMIT");
    PQfinish(pg);
}

#define PLACE_TEST(fn) cmocka_unit_test_setup_teardown(fn, place_start, place_stop)

#endif
