// SPDX-License-Identifier: Apache-2.0
/* Images that were made in a hurry, and their refinements. */
#include "tests/unit/db/work.h"

static bool refined(struct home *home, const struct db_image_result *result)
{
    struct await await = {0};
    bool is_current = false;
    db_image_refined(home->db, result, &is_current, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    return is_current;
}

/* A ready image that was made in a hurry; its names go to *made. */
static int64_t hurried_image(struct home *home, struct made *made)
{
    struct db_image_work work;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    assert_int_equal(work.attempts, 1);
    make_result(home, made, image.id, 1);
    made->result.to_refine = true;
    assert_true(ready(home, &made->result));
    image = now(home, image.id);
    assert_true(image.to_refine);
    assert_string_equal(image.profile, "default-1");
    return image.id;
}

/* A result of the last variant alone, smaller and under another name. */
static struct db_image_result better(struct home *home, const struct made *made, struct db_variant *variant)
{
    struct db_image_result result = made->result;
    *variant = made->variants[VARIANTS - 1];
    variant->bytes -= 100;
    variant->stored_name = arena_format(home->arena, "%s-r", variant->stored_name);
    result.variants = variant;
    result.variant_count = 1;
    return result;
}

static void a_refinement_replaces_one_variant_once(void **state)
{
    struct home *home = *state;
    struct made made;
    struct db_variant variant;
    int64_t id = hurried_image(home, &made);
    const char *processed_at = now(home, id).processed_at;
    struct db_image_result result = better(home, &made, &variant);
    assert_true(refined(home, &result));
    struct db_image image = now(home, id);
    assert_false(image.to_refine);
    assert_string_equal(image.status, "ready");
    assert_string_equal(image.processed_at, processed_at);
    assert_int_equal(image.variant_count, VARIANTS);
    assert_string_equal(image.variants[0].stored_name, made.variants[0].stored_name);
    assert_string_equal(image.variants[2].stored_name, variant.stored_name);
    assert_int_equal(image.variants[2].bytes, variant.bytes);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 1);
    assert_false(refined(home, &result)); /* by one who was believed dead */
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 1);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone JOIN variant USING (stored_name)"), 0);
    drop_all_tombstones(home);
}

static void a_refinement_that_made_nothing_better_is_owed_no_more(void **state)
{
    struct home *home = *state;
    struct made made;
    int64_t id = hurried_image(home, &made);
    made.result.variant_count = 0;
    assert_true(refined(home, &made.result));
    assert_false(now(home, id).to_refine);
    assert_int_equal(now(home, id).variant_count, VARIANTS);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 0);
}

static void a_refinement_of_an_older_generation_changes_nothing(void **state)
{
    struct home *home = *state;
    struct made made;
    struct db_variant variant;
    int64_t id = hurried_image(home, &made);
    struct db_image_result result = better(home, &made, &variant);
    ask_anew(home, id);
    assert_false(refined(home, &result));
    struct db_image image = now(home, id);
    assert_string_equal(image.variants[2].stored_name, made.variants[2].stored_name);
    assert_int_equal(
        sql(home, arena_format(home->arena, "SELECT count(*) FROM tombstone WHERE stored_name = '%s'",
                               variant.stored_name)),
        1);
    drop_all_tombstones(home);
}

static void names_of_earlier_attempts_get_tombstones(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    assert_true(begin(home, image.id, 1, &work));
    assert_int_equal(work.attempts, 2);
    make_result(home, &made, image.id, 1);
    const char *unused[] = {"products/hurried", made.variants[0].stored_name};
    made.result.unused = unused;
    made.result.unused_count = 2;
    assert_true(ready(home, &made.result));
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone"), 1);
    assert_int_equal(sql(home, "SELECT count(*) FROM tombstone WHERE stored_name = 'products/hurried'"), 1);
    drop_all_tombstones(home);
}

static void refinements_are_owed(void **state)
{
    struct home *home = *state;
    struct db_image_owed *owed = NULL;
    size_t count = 0;
    struct made made;
    struct await await = {0};
    sql(home,
        "UPDATE image SET to_refine = false, status = 'failed', error = 'internal' WHERE status <> 'ready'");
    sql(home, "UPDATE image SET to_refine = false");
    int64_t id = hurried_image(home, &made);
    struct db_image pending = make_image(home, NULL);
    sql(home, "UPDATE image SET changed_at = now() - interval '2 minutes'");
    db_image_list_owed(home->db, home->arena, 0, 60000, 100, &owed, &count, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    assert_int_equal(count, 2);
    assert_int_equal(owed[0].id, id);
    assert_true(owed[0].is_refinement);
    assert_int_equal(owed[1].id, pending.id);
    assert_false(owed[1].is_refinement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(a_refinement_replaces_one_variant_once),
        HOME_TEST(a_refinement_that_made_nothing_better_is_owed_no_more),
        HOME_TEST(a_refinement_of_an_older_generation_changes_nothing),
        HOME_TEST(names_of_earlier_attempts_get_tombstones),
        HOME_TEST(refinements_are_owed),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
