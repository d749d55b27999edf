// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/db/home.h"

#include "common/base/text.h"

static void an_inserted_image_is_pending_and_can_be_got(void **state)
{
    struct home *home = *state;
    struct db_product product;
    struct db_image image;
    struct db_image again;
    assert_int_equal(make_product(home, "insert", &product), ERR_NONE);
    struct db_image_new wanted = new_image(home, "insert");
    wanted.is_primary = true;
    wanted.order = 7;
    assert_int_equal(insert_image(home, &wanted, &image), ERR_NONE);
    assert_true(image.id > 0);
    assert_int_equal(image.product, product.id);
    assert_string_equal(image.product_slug, "insert");
    assert_string_equal(image.stored_name, wanted.stored_name);
    assert_string_equal(image.alt_text, wanted.alt_text);
    assert_string_equal(image.caption, wanted.caption);
    assert_true(image.is_primary);
    assert_int_equal(image.order, 7);
    assert_int_equal(strlen(image.uploaded_at), strlen("2026-01-31T12:00:00.000000Z"));
    assert_int_equal(image.uploaded_at[26], 'Z');
    assert_string_equal(image.status, "pending");
    assert_int_equal(image.error, ERR_NONE);
    assert_int_equal(image.format, IMAGE_JPEG);
    assert_int_equal(image.width_px, 0);
    assert_int_equal(image.bytes, 12345);
    char hex[DIGEST_HEX_BYTES];
    text_hex(wanted.sha256, sizeof wanted.sha256, hex);
    assert_string_equal(image.sha256, hex);
    assert_null(image.blurhash);
    assert_null(image.processed_at);
    assert_int_equal(image.attempts, 0);
    assert_int_equal(image.generation, 1);
    assert_int_equal(image.variant_count, 0);

    assert_int_equal(get_image(home, image.id, "insert", &again), ERR_NONE);
    assert_int_equal(again.id, image.id);
    assert_string_equal(again.uploaded_at, image.uploaded_at);
    assert_string_equal(again.caption, wanted.caption);
    assert_int_equal(get_image(home, image.id, NULL, &again), ERR_NONE);
    assert_int_equal(get_image(home, image.id, "another", &again), ERR_NOT_FOUND);
    assert_int_equal(get_image(home, 1 << 30, NULL, &again), ERR_NOT_FOUND);
}

static void an_image_needs_no_product_but_not_an_unknown_one(void **state)
{
    struct home *home = *state;
    struct db_image image = {.id = -1};
    int64_t before = sql(home, "SELECT count(*) FROM image");
    struct db_image_new wanted = new_image(home, "unknown");
    assert_int_equal(insert_image(home, &wanted, &image), ERR_NOT_FOUND);
    wanted.is_primary = true;
    assert_int_equal(insert_image(home, &wanted, &image), ERR_NOT_FOUND);
    assert_int_equal(image.id, -1);
    assert_int_equal(sql(home, "SELECT count(*) FROM image"), before);
    wanted.product_slug = NULL;
    assert_int_equal(insert_image(home, &wanted, &image), ERR_NONE);
    assert_int_equal(image.product, 0);
    assert_null(image.product_slug);
    assert_false(image.is_primary);
}

static void what_the_schema_refuses_is_invalid(void **state)
{
    struct home *home = *state;
    struct db_image image;
    struct db_product product;
    char caption[202];
    memset(caption, 'x', 201);
    caption[201] = '\0';
    struct db_image_new wanted = new_image(home, NULL);
    wanted.caption = caption;
    assert_int_equal(insert_image(home, &wanted, &image), ERR_INVALID);
    caption[200] = '\0';
    assert_int_equal(insert_image(home, &wanted, &image), ERR_NONE);
    /* the same stored name twice is our own mistake */
    assert_int_equal(insert_image(home, &wanted, &image), ERR_INTERNAL);
    struct await await = {0};
    struct db_product dear = {.name = "x", .slug = "dear", .price = "12345678901.00"};
    db_product_insert(home->db, home->arena, &dear, &product, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_INVALID);
    assert_null(strstr(await.err.sentence, "12345678901"));
    assert_non_null(strstr(await.err.sentence, "22003"));
}

static void a_new_primary_takes_the_mark(void **state)
{
    struct home *home = *state;
    struct db_product product;
    struct db_image first;
    struct db_image second;
    assert_int_equal(make_product(home, "mark", &product), ERR_NONE);
    struct db_image_new wanted = new_image(home, "mark");
    wanted.is_primary = true;
    assert_int_equal(insert_image(home, &wanted, &first), ERR_NONE);
    wanted = new_image(home, "mark");
    wanted.is_primary = true;
    assert_int_equal(insert_image(home, &wanted, &second), ERR_NONE);
    make_image(home, "mark");
    assert_true(second.is_primary);
    assert_int_equal(get_image(home, first.id, NULL, &first), ERR_NONE);
    assert_false(first.is_primary);
    assert_int_equal(get_image(home, second.id, NULL, &second), ERR_NONE);
    assert_true(second.is_primary);
}

static void one_primary_also_under_concurrent_calls(void **state)
{
    enum { CALLS = 60 };
    struct home *home = *state;
    struct db_product product;
    struct await awaits[CALLS] = {0};
    struct db_image images[CALLS];
    assert_int_equal(make_product(home, "race", &product), ERR_NONE);
    for (int i = 0; i < CALLS; i++) {
        struct db_image_new wanted = new_image(home, "race");
        wanted.is_primary = true;
        db_image_insert(home->db, home->arena, &wanted, &images[i], await_done, &awaits[i]);
    }
    for (int i = 0; i < CALLS; i++) {
        assert_true(await_reached(home->loop, &awaits[i].answers, 1));
        assert_int_equal(awaits[i].err.code, ERR_NONE);
    }
    assert_int_equal(
        sql(home, "SELECT count(*) FROM image i JOIN product p ON p.id = i.product WHERE p.slug = 'race'"),
        CALLS);
    assert_int_equal(sql(home, "SELECT count(*) FROM image i JOIN product p ON p.id = i.product "
                               "WHERE p.slug = 'race' AND i.is_primary"),
                     1);
}

/* A call whose transaction waits for another's must see what that one did: the mark is not taken twice. */
static void a_primary_waits_for_a_concurrent_one(void **state)
{
    struct home *home = *state;
    struct db_product product;
    struct db_image image;
    assert_int_equal(make_product(home, "wait", &product), ERR_NONE);
    PGconn *other = own_connection(home);
    sql_on(other, "BEGIN");
    sql_on(other, "SELECT id FROM product WHERE slug = 'wait' FOR NO KEY UPDATE");
    struct db_image_new wanted = new_image(home, "wait");
    struct await await = {0};
    wanted.is_primary = true;
    db_image_insert(home->db, home->arena, &wanted, &image, await_done, &await);
    await_lock_waiters(home, 1);
    assert_int_equal(await.answers, 0);
    sql_on(other, "INSERT INTO image (product, stored_name, format, bytes, sha256, is_primary) SELECT id, "
                  "'other', 'png', 1, "
                  "sha256('x'), true FROM product WHERE slug = 'wait'");
    sql_on(other, "COMMIT");
    PQfinish(other);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    assert_int_equal(sql(home, "SELECT count(*) FROM image WHERE stored_name = 'other' AND NOT is_primary"),
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(an_inserted_image_is_pending_and_can_be_got),
        HOME_TEST(an_image_needs_no_product_but_not_an_unknown_one),
        HOME_TEST(what_the_schema_refuses_is_invalid),
        HOME_TEST(a_new_primary_takes_the_mark),
        HOME_TEST(one_primary_also_under_concurrent_calls),
        HOME_TEST(a_primary_waits_for_a_concurrent_one),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
