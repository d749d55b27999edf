// SPDX-License-Identifier: Apache-2.0
/* Variants that are shown while others of their generation are still made. */
#include "tests/unit/db/work.h"

static bool show(struct home *home, const struct db_image_result *result, size_t count)
{
    struct await await = {0};
    struct db_image_result early = *result;
    bool is_current = false;
    early.variant_count = count;
    db_image_show(home->db, &early, &is_current, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    return is_current;
}

static void small_variants_are_shown_before_the_switch(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct db_image image = make_image(home, NULL);
    make_result(home, &made, image.id, 1);
    assert_false(show(home, &made.result, 2)); /* nobody has begun */
    assert_true(begin(home, image.id, 1, &work));
    for (int i = 0; i < 2; i++) {
        /* the second time as after a crash */
        assert_true(show(home, &made.result, 2));
        image = now(home, image.id);
        assert_string_equal(image.status, "processing");
        assert_int_equal(image.variant_count, 2);
        assert_string_equal(image.variants[1].stored_name, made.variants[1].stored_name);
        assert_int_equal(image.width_px, 640);
        assert_int_equal(image.height_px, 480);
        assert_null(image.processed_at);
    }
    assert_true(ready(home, &made.result));
    image = now(home, image.id);
    assert_string_equal(image.status, "ready");
    assert_int_equal(image.variant_count, VARIANTS);
    assert_false(show(home, &made.result, 2));
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 0);
}

static void what_is_shown_of_an_older_generation_stays_until_the_switch(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made first;
    struct made second;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    make_result(home, &first, image.id, 1);
    make_result(home, &second, image.id, 2);
    assert_true(show(home, &first.result, 2));
    ask_anew(home, image.id);
    assert_false(show(home, &first.result, 2));
    assert_true(begin(home, image.id, 2, &work));
    assert_true(show(home, &second.result, 2));
    image = now(home, image.id);
    assert_int_equal(image.variant_count, 2);
    assert_string_equal(image.variants[0].stored_name, first.variants[0].stored_name);

    /* the first generation comes late: what it made beyond that is nobody's */
    assert_false(ready(home, &first.result));
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 1);
    assert_true(ready(home, &second.result));
    assert_string_equal(now(home, image.id).variants[0].stored_name, second.variants[0].stored_name);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), VARIANTS);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone JOIN variant USING (stored_name)"), 0);
    drop_all_tombstones(home);
}

static void a_failure_shows_nothing_of_its_generation(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made first;
    struct made second;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    make_result(home, &first, image.id, 1);
    first.result.variant_count = 1;
    assert_true(ready(home, &first.result));
    ask_anew(home, image.id);
    assert_true(begin(home, image.id, 2, &work));
    make_result(home, &second, image.id, 2);
    assert_true(show(home, &second.result, 2));
    assert_int_equal(now(home, image.id).variant_count, 2);
    assert_true(failed(home, image.id, 2));
    image = now(home, image.id);
    assert_string_equal(image.status, "failed");
    assert_int_equal(image.variant_count, 1);
    assert_string_equal(image.variants[0].stored_name, first.variants[0].stored_name);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 1);
    assert_int_equal(
        sql(home, arena_format(home->arena, "SELECT count(*) FROM tombstone WHERE stored_name = '%s'",
                               second.variants[1].stored_name)),
        1);
    drop_all_tombstones(home);
}

static void a_result_keeps_its_looks(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    make_result(home, &made, image.id, 1);
    made.result.blurhash = "LEHV6nWB2yk8pyo0adR*.7kCMdnj";
    made.result.dominant_colour = "#0a141e";
    assert_true(ready(home, &made.result));
    assert_string_equal(now(home, image.id).blurhash, "LEHV6nWB2yk8pyo0adR*.7kCMdnj");
    assert_int_equal(
        sql(home, arena_format(home->arena,
                               "SELECT count(*) FROM image WHERE id = %lld AND dominant_colour = "
                               "'#0a141e'",
                               (long long)image.id)),
        1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(small_variants_are_shown_before_the_switch),
        HOME_TEST(what_is_shown_of_an_older_generation_stays_until_the_switch),
        HOME_TEST(a_failure_shows_nothing_of_its_generation),
        HOME_TEST(a_result_keeps_its_looks),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
