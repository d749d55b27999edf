// SPDX-License-Identifier: Apache-2.0
/* Switches in groups, asking again, fences, and which commits wait for the disk. */
#include "tests/unit/db/work.h"

enum { GROUP = 8 };

struct group {
    struct made made[GROUP];
    const struct db_image_result *results[GROUP];
    bool is_current[GROUP];
};

static void make_group(struct home *home, struct group *group)
{
    for (int i = 0; i < GROUP; i++) {
        struct db_image_work work;
        struct db_image image = make_image(home, NULL);
        assert_true(begin(home, image.id, 1, &work));
        make_result(home, &group->made[i], image.id, 1);
        group->results[i] = &group->made[i].result;
        group->is_current[i] = i % 2;
    }
}

static enum err_code ready_many(struct home *home, struct group *group)
{
    struct await await = {0};
    db_image_ready_many(home->db, group->results, GROUP, group->is_current, await_done, &await);
    return answer_of(home, &await);
}

static void a_group_is_switched_each_to_its_own(void **state)
{
    struct home *home = *state;
    struct group group;
    make_group(home, &group);
    group.made[0].result.blurhash = "LKO2?U%2Tw=w]~RBVZRi};RPxuwH";
    group.made[1].result.dominant_colour = "#0a0b0c";
    group.made[2].result.to_refine = true;
    group.made[3].result.profile = "a \"b\",{c}\\";
    group.made[4].result.variant_count = 1;
    group.made[5].result.width_px = 111;
    /* these have moved on, or are done */
    ask_anew(home, group.made[6].result.id);
    assert_true(failed(home, group.made[7].result.id, 1));
    assert_int_equal(ready_many(home, &group), ERR_NONE);
    for (int i = 0; i < GROUP; i++) {
        const struct db_image_result *wanted = &group.made[i].result;
        struct db_image image = now(home, wanted->id);
        assert_int_equal(group.is_current[i], i < 6);
        if (i >= 6) {
            assert_string_equal(image.status, i == 6 ? "pending" : "failed");
            assert_int_equal(image.variant_count, 0);
            continue;
        }
        assert_string_equal(image.status, "ready");
        assert_int_equal(image.width_px, i == 5 ? 111 : 640);
        assert_int_equal(image.height_px, 480);
        assert_string_equal(image.profile, wanted->profile);
        assert_int_equal(image.to_refine, i == 2);
        assert_int_equal(image.blurhash != NULL, i == 0);
        assert_int_equal(image.variant_count, i == 4 ? 1 : VARIANTS);
        for (size_t j = 0; j < image.variant_count; j++) {
            assert_string_equal(image.variants[j].name, wanted->variants[j].name);
            assert_string_equal(image.variants[j].stored_name, wanted->variants[j].stored_name);
            assert_int_equal(image.variants[j].bytes, wanted->variants[j].bytes);
        }
    }
    assert_string_equal(now(home, group.made[0].result.id).blurhash, "LKO2?U%2Tw=w]~RBVZRi};RPxuwH");
    assert_int_equal(sql(home, "SELECT count(*) FROM image WHERE dominant_colour = '#0a0b0c'"), 1);
    /* the files of those two are nobody's; no other is */
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 2 * VARIANTS);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone JOIN variant USING (stored_name)"), 0);
    drop_all_tombstones(home);
}

static void what_a_new_generation_does_not_make_any_more_gets_a_tombstone(void **state)
{
    struct home *home = *state;
    struct group first;
    struct group second;
    make_group(home, &first);
    assert_int_equal(ready_many(home, &first), ERR_NONE);
    for (int i = 0; i < GROUP; i++) {
        struct db_image_work work;
        int64_t id = first.made[i].result.id;
        ask_anew(home, id);
        assert_true(begin(home, id, 2, &work));
        make_result(home, &second.made[i], id, 2);
        /* the new profile has no webp, and another in its place */
        second.made[i].variants[2].name = "huge";
        second.results[i] = &second.made[i].result;
    }
    assert_int_equal(ready_many(home, &second), ERR_NONE);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), GROUP * VARIANTS);
    assert_int_equal(sql(home, "SELECT count(*) FROM variant WHERE name = 'webp' AND stored_name LIKE "
                               "'%-g2'"),
                     0);
    for (int i = 0; i < GROUP; i++) {
        struct db_image image = now(home, first.made[i].result.id);
        assert_int_equal(image.variant_count, VARIANTS);
        assert_string_equal(image.variants[2].name, "huge");
        for (int j = 0; j < VARIANTS; j++) {
            assert_int_equal(
                sql(home, arena_format(home->arena, "SELECT count(*) FROM tombstone WHERE stored_name = '%s'",
                                       first.made[i].variants[j].stored_name)),
                1);
        }
    }
    drop_all_tombstones(home);
}

static void a_bad_row_leaves_the_whole_group_as_it_was(void **state)
{
    struct home *home = *state;
    struct group group;
    make_group(home, &group);
    group.made[GROUP - 1].variants[0].width_px = 0; /* the schema refuses it */
    assert_int_equal(ready_many(home, &group), ERR_INVALID);
    for (int i = 0; i < GROUP; i++) {
        assert_string_equal(now(home, group.made[i].result.id).status, "processing");
        assert_int_equal(now(home, group.made[i].result.id).variant_count, 0);
    }
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 0);
}

static void groups_of_two_workers_in_opposite_order_do_not_lock_each_other_out(void **state)
{
    enum { ROUNDS = 20 };
    struct home *home = *state;
    PGconn *pg = own_connection(home);
    for (int round = 0; round < ROUNDS; round++) {
        struct group forward;
        struct group backward;
        struct await awaits[2] = {0};
        make_group(home, &forward);
        for (int i = 0; i < GROUP; i++) {
            backward.results[i] = forward.results[GROUP - 1 - i];
        }
        /* holds both up, so that they meet */
        sql_on(pg, "BEGIN");
        sql_on(pg, arena_format(home->arena, "SELECT id FROM image WHERE id = %lld FOR UPDATE",
                                (long long)forward.made[GROUP / 2].result.id));
        db_image_ready_many(home->db, forward.results, GROUP, forward.is_current, await_done, &awaits[0]);
        db_image_ready_many(home->db, backward.results, GROUP, backward.is_current, await_done, &awaits[1]);
        await_lock_waiters(home, 2);
        sql_on(pg, "COMMIT");
        for (int i = 0; i < 2; i++) {
            assert_true(await_reached(home->loop, &awaits[i].answers, 1));
            assert_int_equal(awaits[i].err.code, ERR_NONE);
        }
        for (int i = 0; i < GROUP; i++) {
            assert_true(forward.is_current[i] != backward.is_current[GROUP - 1 - i]);
        }
    }
    PQfinish(pg);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 0);
}

static void the_last_who_began_may_fail_it_or_put_it_back(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct db_image image = make_image(home, NULL);
    assert_true(begin_fenced(home, image.id, 1, 41, &work));
    assert_true(begin_fenced(home, image.id, 1, 42, &work));
    assert_false(again_fenced(home, image.id, 1, 41));
    assert_string_equal(now(home, image.id).status, "processing");
    assert_true(again_fenced(home, image.id, 1, 42));
    assert_string_equal(now(home, image.id).status, "pending");
    /* tokens of a Redis whose clock is behind are smaller, and count */
    assert_true(begin_fenced(home, image.id, 1, 7, &work));
    assert_false(again_fenced(home, image.id, 1, 42));
    assert_true(again_fenced(home, image.id, 1, 7));
    assert_true(begin_fenced(home, image.id, 1, 43, &work));
    struct job job = {.image = image.id, .generation = 1};
    struct db_image_failure failure = {.job = &job, .fence = 7, .code = ERR_CORRUPT_IMAGE, .sentence = "cut"};
    assert_false(fail_as(home, &failure));
    /* who has made the bytes may say so, whatever became of the lease */
    struct made made;
    make_result(home, &made, image.id, 1);
    assert_true(ready(home, &made.result));
    failure.fence = 43;
    assert_false(fail_as(home, &failure));
    assert_string_equal(now(home, image.id).status, "ready");
}

/* What the server thinks at the commit of the next change of an image is kept in a table by a trigger that runs then. */
static void watch_commits(struct home *home)
{
    sql(home, "CREATE TABLE IF NOT EXISTS seen (value text);"
              "CREATE OR REPLACE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
              "INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;"
              "CREATE CONSTRAINT TRIGGER see AFTER UPDATE ON image DEFERRABLE INITIALLY DEFERRED "
              "FOR EACH ROW EXECUTE FUNCTION see()");
}

static void expect_seen(struct home *home, const char *value)
{
    assert_true(sql(home, "SELECT count(*) FROM seen") > 0);
    assert_int_equal(
        sql(home, arena_format(home->arena, "SELECT count(*) FROM seen WHERE value <> '%s'", value)), 0);
    sql(home, "DELETE FROM seen");
}

static void only_what_must_last_waits_for_the_disk(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct await await = {0};
    bool is_current = false;
    struct db *all = home->db;
    /* one connection, so that a setting that outlives its transaction is seen by the next */
    home->db = home_open(home, postgres_server_url(home->server), 1, HOME_TIMEOUT_MS);
    struct db_image image = make_image(home, NULL);
    watch_commits(home);
    assert_true(begin(home, image.id, 1, &work));
    expect_seen(home, "off");
    assert_true(again(home, image.id, 1));
    expect_seen(home, "off");
    assert_true(begin(home, image.id, 1, &work));
    make_result(home, &made, image.id, 1);
    made.result.variant_count = 1;
    db_image_show(home->db, &made.result, &is_current, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    assert_true(is_current);
    expect_seen(home, "off");
    made.result.variant_count = VARIANTS;
    assert_true(ready(home, &made.result));
    expect_seen(home, "on");
    ask_anew(home, image.id);
    sql(home, "DELETE FROM seen");
    assert_true(begin(home, image.id, 2, &work));
    sql(home, "DELETE FROM seen");
    assert_true(failed(home, image.id, 2));
    expect_seen(home, "on");
    /* both in flight at once on the one connection */
    ask_anew(home, image.id);
    sql(home, "DELETE FROM seen");
    struct await pair[2] = {0};
    make_result(home, &made, image.id, 3);
    db_image_begin(home->db, home->arena, image.id, 3, FENCE, &work, await_done, &pair[0]);
    db_image_ready(home->db, &made.result, &is_current, await_done, &pair[1]);
    for (int i = 0; i < 2; i++) {
        assert_true(await_reached(home->loop, &pair[i].answers, 1));
        assert_int_equal(pair[i].err.code, ERR_NONE);
    }
    assert_int_equal(sql(home, "SELECT count(*) FROM seen WHERE value = 'off'"), 1);
    assert_int_equal(sql(home, "SELECT count(*) FROM seen WHERE value = 'on'"), 1);
    sql(home, "DROP TRIGGER see ON image; DROP TABLE seen");
    home_close(home, home->db);
    home->db = all;
    drop_all_tombstones(home);
}

static enum err_code reprocess(struct home *home, const struct db_image_wish *wish, struct db_image *out)
{
    struct await await = {0};
    db_image_reprocess(home->db, home->arena, wish, out, await_done, &await);
    return answer_of(home, &await);
}

static void an_image_that_is_asked_for_again_is_owed_with_its_profile(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct db_image out;
    struct made made;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    assert_null(work.profile_json);
    make_result(home, &made, image.id, 1);
    assert_true(ready(home, &made.result));
    struct db_image_wish wish = {
        .id = image.id, .profile = "shop-1", .profile_json = "{\"a\": \"\\u00e4\"}", .class = JOB_LOW};
    assert_int_equal(reprocess(home, &wish, &out), ERR_NONE);
    assert_int_equal(out.id, image.id);
    assert_string_equal(out.status, "pending");
    assert_int_equal(out.generation, 2);
    assert_int_equal(out.variant_count, VARIANTS); /* shown until it is ready again */
    assert_true(begin(home, image.id, 2, &work));
    assert_string_equal(work.profile_json, wish.profile_json);

    /* what an identity says never changes */
    wish.profile_json = "{}";
    assert_int_equal(reprocess(home, &wish, &out), ERR_NONE);
    assert_int_equal(out.generation, 3);
    assert_true(begin(home, image.id, 3, &work));
    assert_string_equal(work.profile_json, "{\"a\": \"\\u00e4\"}");

    wish = (struct db_image_wish){.id = image.id, .class = JOB_NORMAL};
    assert_int_equal(reprocess(home, &wish, &out), ERR_NONE);
    assert_true(begin(home, image.id, 4, &work));
    assert_null(work.profile_json);
    wish.id = 1 << 30;
    assert_int_equal(reprocess(home, &wish, &out), ERR_NOT_FOUND);
}

static void asking_again_takes_the_error_and_the_letter_away(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct db_image out;
    struct db_image image = make_image(home, NULL);
    struct job job = {.image = image.id, .generation = 1};
    struct db_image_failure failure = {
        .job = &job, .fence = FENCE, .code = ERR_CODEC_CRASHED, .sentence = "11", .is_buried = true};
    assert_true(begin(home, image.id, 1, &work));
    assert_true(fail_as(home, &failure));
    assert_int_equal(sql(home, "SELECT count(*) FROM dead_letter"), 1);
    struct db_image_wish wish = {.id = image.id, .class = JOB_NORMAL};
    assert_int_equal(reprocess(home, &wish, &out), ERR_NONE);
    assert_int_equal(out.error, ERR_NONE);
    assert_string_equal(out.status, "pending");
    assert_int_equal(sql(home, "SELECT count(*) FROM dead_letter"), 0);
}

static void a_profile_has_a_bound(void **state)
{
    struct home *home = *state;
    struct db_image out;
    struct db_image image = make_image(home, NULL);
    char *json = arena_alloc(home->arena, 65536 + 2);
    memset(json, ' ', 65536 + 1);
    struct db_image_wish wish = {.id = image.id, .profile = "long-1", .profile_json = json};
    assert_int_equal(reprocess(home, &wish, &out), ERR_INVALID);
    assert_int_equal(now(home, image.id).generation, 1);
    json[65536] = '\0';
    assert_int_equal(reprocess(home, &wish, &out), ERR_NONE);
    wish.profile = "short-1";
    wish.profile_json = "";
    assert_int_equal(reprocess(home, &wish, &out), ERR_INVALID);
}

static void names_that_a_row_or_a_tombstone_has_are_told(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct await await = {0};
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    make_result(home, &made, image.id, 1);
    assert_true(ready(home, &made.result));
    sql(home, "INSERT INTO tombstone (stored_name) VALUES ('products/buried')");
    const char *names[] = {"products/nobody",
                           image.stored_name,
                           made.variants[1].stored_name,
                           "\xff\xfe",
                           "products/buried",
                           "a\"b\\,NULL{}",
                           "NULL",
                           "",
                           "products/buried",
                           image.stored_name};
    static const bool expected[] = {false, true, true, false, true, false, false, false, true, true};
    enum { NAMES = sizeof names / sizeof names[0] };
    bool is_named[NAMES];
    for (int i = 0; i < NAMES; i++) {
        is_named[i] = !expected[i];
    }
    db_image_name_check(home->db, names, NAMES, is_named, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    for (int i = 0; i < NAMES; i++) {
        assert_int_equal(is_named[i], expected[i]);
    }
    drop_all_tombstones(home);
}

static void the_urgency_is_listed_with_what_is_owed(void **state)
{
    struct home *home = *state;
    struct db_image out;
    struct db_image_owed *owed = NULL;
    size_t count = 0;
    struct await await = {0};
    sql(home, "UPDATE image SET status = 'failed', error = 'internal', to_refine = false WHERE status <> "
              "'failed'");
    make_image(home, NULL);
    struct db_image_wish wish = {.id = make_image(home, NULL).id, .class = JOB_LOW};
    assert_int_equal(reprocess(home, &wish, &out), ERR_NONE);
    db_image_list_owed(home->db, home->arena, 0, 0, 10, &owed, &count, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    assert_int_equal(count, 2);
    assert_int_equal(owed[0].class, JOB_HIGH);
    assert_int_equal(owed[1].class, JOB_LOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(a_group_is_switched_each_to_its_own),
        HOME_TEST(what_a_new_generation_does_not_make_any_more_gets_a_tombstone),
        HOME_TEST(a_bad_row_leaves_the_whole_group_as_it_was),
        HOME_TEST(groups_of_two_workers_in_opposite_order_do_not_lock_each_other_out),
        HOME_TEST(the_last_who_began_may_fail_it_or_put_it_back),
        HOME_TEST(only_what_must_last_waits_for_the_disk),
        HOME_TEST(an_image_that_is_asked_for_again_is_owed_with_its_profile),
        HOME_TEST(asking_again_takes_the_error_and_the_letter_away),
        HOME_TEST(a_profile_has_a_bound),
        HOME_TEST(names_that_a_row_or_a_tombstone_has_are_told),
        HOME_TEST(the_urgency_is_listed_with_what_is_owed),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
