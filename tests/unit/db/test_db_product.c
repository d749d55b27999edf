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

/* The slugs of a page, as "list-0 list-1". */
static const char *slugs(struct home *home, struct db_product_page page)
{
    struct db_product *products = NULL;
    size_t count = 0;
    struct await await = {0};
    const char *told = "";
    db_product_list(home->db, home->arena, &page, &products, &count, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    for (size_t i = 0; i < count; i++) {
        told = arena_format(home->arena, "%s%s%s", told, i > 0 ? " " : "", products[i].slug);
    }
    return told;
}

static void lists_are_paged_by_id_both_ways(void **state)
{
    struct home *home = *state;
    struct db_product made[5];
    sql(home, "DELETE FROM product");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(make_product(home, arena_format(home->arena, "list-%d", i), &made[i]), ERR_NONE);
    }
    struct db_product_page page = {.limit = 3};
    assert_string_equal(slugs(home, page), "list-0 list-1 list-2");
    page.has_place = true;
    page.id = made[2].id;
    assert_string_equal(slugs(home, page), "list-3 list-4");
    page.id = made[4].id;
    assert_string_equal(slugs(home, page), "");
    page.is_backward = true;
    assert_string_equal(slugs(home, page), "list-1 list-2 list-3");
    page.id = made[1].id;
    assert_string_equal(slugs(home, page), "list-0");
    page.id = made[0].id;
    assert_string_equal(slugs(home, page), "");
    page.id = INT64_MAX;
    assert_string_equal(slugs(home, page), "list-2 list-3 list-4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(an_inserted_product_can_be_got),    HOME_TEST(a_slug_is_taken_once),
        HOME_TEST(what_is_not_told_is_empty_or_null), HOME_TEST(bad_prices_are_invalid),
        HOME_TEST(lists_are_paged_by_id_both_ways),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
