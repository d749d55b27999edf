// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/db/home.h"

static enum err_code get_product(struct home *home, const char *slug, struct db_product *out)
{
    struct await await = {0};
    db_product_get(home->db, home->arena, slug, out, await_done, &await);
    return answer_of(home, &await);
}

static void an_inserted_product_can_be_got(void **state)
{
    struct home *home = *state;
    struct db_product product;
    struct db_product again;
    assert_int_equal(make_product(home, "shoe", &product), ERR_NONE);
    assert_true(product.id > 0);
    assert_string_equal(product.name, "A product");
    assert_string_equal(product.slug, "shoe");
    assert_string_equal(product.description, "described");
    assert_string_equal(product.price, "19.90");
    assert_string_equal(product.created_at, product.updated_at);
    assert_int_equal(get_product(home, "shoe", &again), ERR_NONE);
    assert_int_equal(again.id, product.id);
    assert_string_equal(again.created_at, product.created_at);
    assert_int_equal(get_product(home, "boot", &again), ERR_NOT_FOUND);
}

static void a_slug_is_taken_once(void **state)
{
    struct home *home = *state;
    struct db_product product = {.id = -1};
    assert_int_equal(make_product(home, "once", &product), ERR_NONE);
    product.id = -1;
    assert_int_equal(make_product(home, "once", &product), ERR_SLUG_TAKEN);
    assert_int_equal(product.id, -1);
    /* the connection is as good as before */
    assert_int_equal(make_product(home, "twice", &product), ERR_NONE);
}

static void what_is_not_told_is_empty_or_null(void **state)
{
    struct home *home = *state;
    struct db_product product;
    struct await await = {0};
    db_product_insert(home->db, home->arena, &(struct db_product){.name = "n", .slug = "bare"}, &product,
                      await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    assert_string_equal(product.description, "");
    assert_null(product.price);
}

static void bad_prices_are_invalid(void **state)
{
    static const char *const prices[] = {"-1", "dear", "99999999999", "1e400"};
    struct home *home = *state;
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        struct db_product product;
        struct await await = {0};
        db_product_insert(home->db, home->arena,
                          &(struct db_product){.name = "n", .slug = "bad", .price = prices[i]}, &product,
                          await_done, &await);
        assert_int_equal(answer_of(home, &await), ERR_INVALID);
        assert_null(strstr(await.err.sentence, prices[i]));
    }
}

static void lists_are_paged_by_id(void **state)
{
    struct home *home = *state;
    struct db_product made[5];
    struct db_product *page = NULL;
    size_t count = 0;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(make_product(home, arena_format(home->arena, "list-%d", i), &made[i]), ERR_NONE);
    }
    struct await first = {0};
    db_product_list(home->db, home->arena, made[0].id - 1, 3, &page, &count, await_done, &first);
    assert_int_equal(answer_of(home, &first), ERR_NONE);
    assert_int_equal(count, 3);
    assert_string_equal(page[0].slug, "list-0");
    assert_string_equal(page[2].slug, "list-2");
    struct await second = {0};
    db_product_list(home->db, home->arena, page[2].id, 3, &page, &count, await_done, &second);
    assert_int_equal(answer_of(home, &second), ERR_NONE);
    assert_int_equal(count, 2);
    assert_string_equal(page[1].slug, "list-4");
    struct await third = {0};
    db_product_list(home->db, home->arena, page[1].id, 3, &page, &count, await_done, &third);
    assert_int_equal(answer_of(home, &third), ERR_NONE);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(an_inserted_product_can_be_got),
        HOME_TEST(a_slug_is_taken_once),
        HOME_TEST(what_is_not_told_is_empty_or_null),
        HOME_TEST(bad_prices_are_invalid),
        HOME_TEST(lists_are_paged_by_id),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
