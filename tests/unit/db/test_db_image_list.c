// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/db/home.h"

static struct db_image *list(struct home *home, const struct db_image_page *page, size_t *count)
{
    struct db_image *images = NULL;
    struct await await = {0};
    db_image_list(home->db, home->arena, page, &images, count, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    return images;
}

static struct db_image make_ordered(struct home *home, const char *slug, int64_t order, bool is_primary)
{
    struct db_image image;
    struct db_image_new wanted = new_image(home, slug);
    wanted.order = order;
    wanted.is_primary = is_primary;
    assert_int_equal(insert_image(home, &wanted, &image), ERR_NONE);
    return image;
}

static void set_place(struct db_image_page *page, const struct db_image *image, bool is_backward)
{
    page->has_place = true;
    page->is_backward = is_backward;
    page->order = image->order;
    page->uploaded_at = image->uploaded_at;
    page->id = image->id;
}

static void pages_follow_order_then_time_then_id(void **state)
{
    enum { IMAGES = 7, PAGE = 3 };
    static const int64_t orders[IMAGES] = {5, 1, 5, -2, 9, 1, 5};
    static const int expected[IMAGES] = {3, 1, 5, 0, 2, 6, 4};
    struct home *home = *state;
    struct db_product product;
    struct db_image made[IMAGES];
    assert_int_equal(make_product(home, "pages", &product), ERR_NONE);
    for (int i = 0; i < IMAGES; i++) {
        made[i] = make_ordered(home, "pages", orders[i], false);
    }
    /* two of the same moment are told apart by id */
    sql(home,
        "UPDATE image SET uploaded_at = '2026-01-31 12:00:00.123456+00' WHERE sort_order = 5 AND product = "
        "(SELECT id FROM product WHERE slug = 'pages')");
    struct db_image_page page = {.slug = "pages", .limit = PAGE};
    struct db_image *images = NULL;
    size_t seen = 0;
    size_t count = PAGE;
    while (count == PAGE) {
        images = list(home, &page, &count);
        assert_true(count > 0 && seen + count <= IMAGES);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(images[i].id, made[expected[seen++]].id);
        }
        set_place(&page, &images[count - 1], false);
    }
    assert_int_equal(seen, IMAGES);
    /* and back: the same pages, rows in the same order */
    set_place(&page, &images[0], true);
    seen -= count;
    while (seen > 0) {
        images = list(home, &page, &count);
        assert_int_equal(count, PAGE);
        seen -= count;
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(images[i].id, made[expected[seen + i]].id);
        }
        set_place(&page, &images[0], true);
    }
    list(home, &page, &count);
    assert_int_equal(count, 0);
    list(home, &(struct db_image_page){.slug = "no such", .limit = 5}, &count);
    assert_int_equal(count, 0);
}

static void ask_galleries(struct home *home, struct db_gallery *galleries, size_t count, size_t limit)
{
    struct await await = {0};
    db_image_list_galleries(home->db, home->arena, galleries, count, limit, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
}

static void assert_gallery(const struct db_gallery *gallery, const struct db_image *expected, size_t count)
{
    assert_int_equal(gallery->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(gallery->list[i].id, expected[i].id);
        assert_int_equal(gallery->list[i].product, gallery->product);
    }
}

static void galleries_hold_the_first_images_and_the_primary_one(void **state)
{
    enum { IMAGES = 6 };
    static const char *const slugs[] = {"none", "few", "within", "behind", "same"};
    struct home *home = *state;
    struct db_product products[5];
    struct db_image few[2];
    struct db_image within[IMAGES];
    struct db_image behind[IMAGES];
    struct db_image same[IMAGES];
    for (int i = 0; i < 5; i++) {
        assert_int_equal(make_product(home, slugs[i], &products[i]), ERR_NONE);
    }
    for (int i = 0; i < IMAGES; i++) {
        /* of all products at once, so that no order of insertion helps */
        behind[i] = make_ordered(home, "behind", i, i == IMAGES - 1);
        within[IMAGES - 1 - i] = make_ordered(home, "within", -i, i == IMAGES - 2);
        same[i] = make_ordered(home, "same", 0, i == 3);
        if (i < 2) {
            few[i] = make_ordered(home, "few", 7, false);
        }
    }
    /* in another order than their ids' */
    struct db_gallery galleries[] = {{.product = products[3].id}, {.product = products[0].id},
                                     {.product = products[2].id}, {.product = INT64_MAX},
                                     {.product = products[4].id}, {.product = products[1].id}};
    ask_galleries(home, galleries, 6, 3);
    assert_gallery(&galleries[0], behind, 3);
    assert_int_equal(galleries[0].primary->id, behind[IMAGES - 1].id);
    assert_true(galleries[0].primary->is_primary);
    assert_gallery(&galleries[1], NULL, 0);
    assert_null(galleries[1].primary);
    assert_gallery(&galleries[2], within, 3);
    assert_ptr_equal(galleries[2].primary, &galleries[2].list[1]);
    assert_gallery(&galleries[3], NULL, 0);
    /* the primary image is the very next behind the limit */
    assert_gallery(&galleries[4], same, 3);
    assert_int_equal(galleries[4].primary->id, same[3].id);
    assert_gallery(&galleries[5], few, 2);
    assert_null(galleries[5].primary);
    ask_galleries(home, galleries, 1, IMAGES);
    assert_gallery(&galleries[0], behind, IMAGES);
    assert_ptr_equal(galleries[0].primary, &galleries[0].list[IMAGES - 1]);
}

static void galleries_come_with_variants(void **state)
{
    struct home *home = *state;
    struct db_product product;
    assert_int_equal(make_product(home, "variants", &product), ERR_NONE);
    struct db_image first = make_ordered(home, "variants", 1, false);
    struct db_image second = make_ordered(home, "variants", 2, false);
    struct db_image third = make_ordered(home, "variants", 3, true);
    static const char insert[] =
        "INSERT INTO variant (image, name, place, stored_name, format, width_px, height_px, bytes, "
        "generation) "
        "VALUES (%lld, 'webp', 2, 'b', 'webp', 9, 8, 7, 1), (%lld, 'thumbnail', 1, 'a', 'jpeg', 1, 2, 3, 1), "
        "(%lld, 'thumbnail', 1, 'c', 'jpeg', 1, 2, 3, 1)";
    long long ids[] = {first.id, first.id, third.id};
    sql(home, arena_format(home->arena, insert, ids[0], ids[1], ids[2]));
    struct db_gallery gallery = {.product = product.id};
    ask_galleries(home, &gallery, 1, 2);
    assert_int_equal(gallery.count, 2);
    assert_int_equal(gallery.list[0].variant_count, 2);
    assert_string_equal(gallery.list[0].variants[0].stored_name, "a");
    assert_string_equal(gallery.list[0].variants[1].name, "webp");
    assert_int_equal(gallery.list[0].variants[1].width_px, 9);
    assert_int_equal(gallery.list[1].id, second.id);
    assert_int_equal(gallery.list[1].variant_count, 0);
    assert_int_equal(gallery.primary->id, third.id);
    assert_int_equal(gallery.primary->variant_count, 1);
    assert_string_equal(gallery.primary->variants[0].stored_name, "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(pages_follow_order_then_time_then_id),
        HOME_TEST(galleries_hold_the_first_images_and_the_primary_one),
        HOME_TEST(galleries_come_with_variants),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
