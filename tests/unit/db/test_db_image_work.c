// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/db/work.h"

#include "common/db/db_media.h"
#include "common/db/db_tombstone.h"

static size_t tombstones(struct home *home, int64_t grace_ms, struct db_tombstone **out)
{
    struct await await = {0};
    size_t count = 0;
    db_tombstone_list(home->db, home->arena, grace_ms, 100, out, &count, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    return count;
}

static void work_is_begun_and_ends_ready(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    assert_string_equal(work.stored_name, image.stored_name);
    assert_int_equal(work.format, IMAGE_JPEG);
    assert_int_equal(work.bytes, 12345);
    assert_string_equal(now(home, image.id).status, "processing");
    assert_int_equal(now(home, image.id).attempts, 1);

    make_result(home, &made, image.id, 1);
    assert_true(ready(home, &made.result));
    image = now(home, image.id);
    assert_string_equal(image.status, "ready");
    assert_int_equal(image.width_px, 640);
    assert_int_equal(image.height_px, 480);
    assert_non_null(image.processed_at);
    assert_int_equal(image.attempts, 1);
    assert_int_equal(image.variant_count, VARIANTS);
    for (int i = 0; i < VARIANTS; i++) {
        assert_string_equal(image.variants[i].name, made.variants[i].name);
        assert_string_equal(image.variants[i].stored_name, made.variants[i].stored_name);
        assert_int_equal(image.variants[i].format, made.variants[i].format);
        assert_int_equal(image.variants[i].width_px, made.variants[i].width_px);
        assert_int_equal(image.variants[i].height_px, made.variants[i].height_px);
        assert_int_equal(image.variants[i].bytes, made.variants[i].bytes);
    }
    struct db_tombstone *list = NULL;
    assert_int_equal(tombstones(home, 0, &list), 0);
    assert_false(begin(home, image.id, 1, &work));
    assert_int_equal(now(home, image.id).attempts, 1);
}

static void work_of_another_generation_changes_nothing(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct db_tombstone *list = NULL;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    ask_anew(home, image.id);
    assert_false(begin(home, image.id, 1, &work));
    assert_null(work.stored_name);
    assert_false(again(home, image.id, 1));
    assert_false(failed(home, image.id, 1));
    make_result(home, &made, image.id, 1);
    assert_false(ready(home, &made.result));
    image = now(home, image.id);
    assert_string_equal(image.status, "pending");
    assert_int_equal(image.generation, 2);
    assert_int_equal(image.variant_count, 0);
    assert_null(image.processed_at);
    /* its files are nobody's */
    assert_int_equal(tombstones(home, 0, &list), VARIANTS);
    assert_string_equal(list[0].stored_name, made.variants[1].stored_name); /* medium, by name */
    drop_all_tombstones(home);
    assert_false(begin(home, 1 << 30, 1, &work));
}

static void a_second_ready_of_one_generation_removes_nothing(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct db_tombstone *list = NULL;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    make_result(home, &made, image.id, 1);
    assert_true(ready(home, &made.result));
    const char *processed_at = now(home, image.id).processed_at;
    assert_false(ready(home, &made.result));
    assert_int_equal(tombstones(home, 0, &list), 0);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 0);
    assert_string_equal(now(home, image.id).processed_at, processed_at);
    assert_int_equal(now(home, image.id).variant_count, VARIANTS);
    assert_false(failed(home, image.id, 1));
    assert_string_equal(now(home, image.id).status, "ready");
}

static void of_many_readies_at_once_one_is_current(void **state)
{
    enum { CALLS = 24 };
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct await awaits[CALLS] = {0};
    bool is_current[CALLS];
    int current = 0;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    make_result(home, &made, image.id, 1);
    for (int i = 0; i < CALLS; i++) {
        db_image_ready(home->db, &made.result, &is_current[i], await_done, &awaits[i]);
    }
    for (int i = 0; i < CALLS; i++) {
        assert_true(await_reached(home->loop, &awaits[i].answers, 1));
        assert_int_equal(awaits[i].err.code, ERR_NONE);
        current += is_current[i];
    }
    assert_int_equal(current, 1);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 0);
    assert_int_equal(now(home, image.id).variant_count, VARIANTS);
}

static void replaced_variants_get_tombstones(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made first;
    struct made second;
    struct db_tombstone *list = NULL;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    make_result(home, &first, image.id, 1);
    assert_true(ready(home, &first.result));
    ask_anew(home, image.id);
    assert_true(begin(home, image.id, 2, &work));
    /* while it is made anew, what there is stays */
    assert_int_equal(now(home, image.id).variant_count, VARIANTS);
    make_result(home, &second, image.id, 2);
    second.result.variant_count = VARIANTS - 1; /* the new profile makes no webp */
    assert_true(ready(home, &second.result));
    image = now(home, image.id);
    assert_int_equal(image.variant_count, VARIANTS - 1);
    assert_string_equal(image.variants[0].stored_name, second.variants[0].stored_name);

    assert_int_equal(tombstones(home, 0, &list), VARIANTS);
    for (int i = 0; i < VARIANTS; i++) {
        bool is_there = false;
        for (int j = 0; j < VARIANTS; j++) {
            is_there = is_there || strcmp(list[j].stored_name, first.variants[i].stored_name) == 0;
        }
        assert_true(is_there);
    }
    struct db_tombstone *none = NULL;
    assert_int_equal(tombstones(home, 3600 * 1000, &none), 0);

    struct await await = {0};
    int64_t ids[] = {list[0].id, list[1].id};
    db_tombstone_drop(home->db, ids, 2, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    int64_t last = list[2].id;
    assert_int_equal(tombstones(home, 0, &list), 1);
    assert_int_equal(list[0].id, last);
    drop_all_tombstones(home);
}

static void a_tombstone_of_a_name_in_use_is_not_listed(void **state)
{
    struct home *home = *state;
    struct db_tombstone *list = NULL;
    struct db_image image = make_image(home, NULL);
    sql(home, arena_format(home->arena, "INSERT INTO tombstone (stored_name) VALUES ('%s'), ('nobody''s')",
                           image.stored_name));
    assert_int_equal(tombstones(home, 0, &list), 1);
    assert_string_equal(list[0].stored_name, "nobody's");
    drop_all_tombstones(home);
}

static void a_failure_is_kept_with_its_sentence(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    assert_true(failed(home, image.id, 1));
    image = now(home, image.id);
    assert_string_equal(image.status, "failed");
    assert_int_equal(image.error, ERR_CORRUPT_IMAGE);
    assert_int_equal(
        sql(home, arena_format(home->arena,
                               "SELECT count(*) FROM image WHERE id = %lld AND error = 'corrupt_image' AND "
                               "error_sentence = 'it ends in the middle'",
                               (long long)image.id)),
        1);
    assert_false(failed(home, image.id, 1));
    assert_false(begin(home, image.id, 1, &work));
    assert_false(again(home, image.id, 1));
}

static void another_attempt_is_counted(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct db_image image = make_image(home, NULL);
    assert_false(again(home, image.id, 1)); /* it was not begun */
    assert_true(begin(home, image.id, 1, &work));
    assert_true(again(home, image.id, 1));
    assert_string_equal(now(home, image.id).status, "pending");
    assert_true(begin(home, image.id, 1, &work));
    /* a worker that was lost: another one begins what is processing */
    assert_true(begin(home, image.id, 1, &work));
    assert_int_equal(now(home, image.id).attempts, 3);
}

static void what_is_owed_is_listed_by_id_and_age(void **state)
{
    enum { IMAGES = 6 };
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct db_image_owed *owed = NULL;
    size_t count = 0;
    int64_t ids[IMAGES];
    sql(home,
        "UPDATE image SET status = 'failed', error = 'internal' WHERE status IN ('pending', 'processing')");
    sql(home, "INSERT INTO api_key (name, public_part, sha256, scopes) VALUES ('k', '00112233445566ff', "
              "sha256('k'), 1)");
    int64_t key = sql(home, "SELECT id FROM api_key WHERE public_part = '00112233445566ff'");
    for (int i = 0; i < IMAGES; i++) {
        struct db_image image;
        struct db_image_new wanted = new_image(home, NULL);
        wanted.key = i == 2 ? key : 0;
        assert_int_equal(insert_image(home, &wanted, &image), ERR_NONE);
        ids[i] = image.id;
    }
    assert_true(begin(home, ids[1], 1, &work));
    assert_true(begin(home, ids[3], 1, &work));
    make_result(home, &made, ids[3], 1);
    assert_true(ready(home, &made.result));
    sql(home, arena_format(home->arena,
                           "UPDATE image SET changed_at = now() - interval '2 minutes' WHERE id <> %lld",
                           (long long)ids[5]));

    struct await all = {0};
    db_image_list_owed(home->db, home->arena, 0, 60000, 100, &owed, &count, await_done, &all);
    assert_int_equal(answer_of(home, &all), ERR_NONE);
    static const int expected[] = {0, 1, 2, 4};
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(owed[i].id, ids[expected[i]]);
        assert_int_equal(owed[i].generation, 1);
        assert_int_equal(owed[i].key, expected[i] == 2 ? key : 0);
        assert_true(owed[i].age_ms >= 120000);
    }
    struct await page = {0};
    db_image_list_owed(home->db, home->arena, ids[0], 60000, 2, &owed, &count, await_done, &page);
    assert_int_equal(answer_of(home, &page), ERR_NONE);
    assert_int_equal(count, 2);
    assert_int_equal(owed[0].id, ids[1]);
    assert_int_equal(owed[1].id, ids[2]);
}

static void media_are_what_rows_refer_to(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct db_media media = {.bytes = -1};
    struct db_image image = make_image(home, NULL);
    make_result(home, &made, image.id, 1);
    const char *names[] = {made.variants[2].stored_name, image.stored_name, made.variants[2].stored_name};
    static const enum err_code codes[] = {ERR_NOT_FOUND, ERR_NONE, ERR_NONE};
    for (int i = 0; i < 3; i++) {
        struct await await = {0};
        db_media_get(home->db, home->arena, names[i], &media, await_done, &await);
        assert_int_equal(answer_of(home, &await), codes[i]);
        if (i == 0) {
            assert_int_equal(media.bytes, -1);
        } else if (i == 1) {
            assert_int_equal(media.format, IMAGE_JPEG);
            assert_int_equal(media.bytes, 12345);
            assert_string_equal(media.sha256, image.sha256);
            assert_true(begin(home, image.id, 1, &work));
            assert_true(ready(home, &made.result));
        }
    }
    assert_int_equal(media.format, IMAGE_WEBP);
    assert_int_equal(media.bytes, 3000);
    assert_null(media.sha256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(work_is_begun_and_ends_ready),
        HOME_TEST(work_of_another_generation_changes_nothing),
        HOME_TEST(a_second_ready_of_one_generation_removes_nothing),
        HOME_TEST(of_many_readies_at_once_one_is_current),
        HOME_TEST(replaced_variants_get_tombstones),
        HOME_TEST(a_tombstone_of_a_name_in_use_is_not_listed),
        HOME_TEST(a_failure_is_kept_with_its_sentence),
        HOME_TEST(another_attempt_is_counted),
        HOME_TEST(what_is_owed_is_listed_by_id_and_age),
        HOME_TEST(media_are_what_rows_refer_to),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
