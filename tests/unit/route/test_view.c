// SPDX-License-Identifier: Apache-2.0
#include "api/route/view.h"

#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct db_image fresh = {
    .id = 7,
    .product = 3,
    .product_slug = "blue-mug",
    .stored_name = "products/2026/01/31/u.jpg",
    .alt_text = "",
    .caption = "",
    .uploaded_at = "2026-01-31T12:00:00.000000Z",
    .status = "pending",
    .format = IMAGE_JPEG,
    .bytes = 1234,
    .sha256 = "ab",
    .generation = 1,
};

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static void assert_json(json_t *body, const char *expected)
{
    char *text = json_dumps(body, JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
    json_decref(body);
}

static void test_a_new_image_has_every_key_in_the_order_of_the_contract(void **state)
{
    assert_json(
        view_image(*state, "http://h", &fresh),
        "{\"id\":7,\"product\":3,\"image\":\"http://h/media/products/2026/01/31/u.jpg\","
        "\"image_url\":\"http://h/media/products/2026/01/31/"
        "u.jpg\",\"thumbnail_url\":null,\"medium_url\":null,"
        "\"webp_url\":null,\"alt_text\":\"\",\"caption\":\"\",\"is_primary\":false,\"order\":0,"
        "\"uploaded_at\":\"2026-01-31T12:00:00.000000Z\",\"status\":\"pending\",\"error\":null,\"format\":"
        "\"jpeg\","
        "\"width\":null,\"height\":null,\"bytes\":1234,\"sha256\":\"ab\",\"blurhash\":null,\"variants\":{},"
        "\"processed_at\":null,\"attempts\":0}");
}

static void test_variants_have_urls_once_they_are_there(void **state)
{
    static const struct db_variant variants[] = {
        {"thumbnail", "products/thumbnails/2026/01/31/u-g1.jpg", IMAGE_JPEG, 200, 100, 11},
        {"webp", "products/webp/2026/01/31/u-g1.webp", IMAGE_WEBP, 640, 320, 22}};
    struct db_image image = fresh;
    image.variants = variants;
    image.variant_count = 2;
    json_t *body = view_image(*state, "http://h", &image);
    assert_string_equal(json_string_value(json_object_get(body, "thumbnail_url")),
                        "http://h/media/products/thumbnails/2026/01/31/u-g1.jpg");
    assert_true(json_is_null(json_object_get(body, "medium_url")));
    assert_string_equal(json_string_value(json_object_get(body, "webp_url")),
                        "http://h/media/products/webp/2026/01/31/u-g1.webp");
    json_t *webp = json_incref(json_object_get(json_object_get(body, "variants"), "webp"));
    json_decref(body);
    assert_json(
        webp,
        "{\"url\":\"http://h/media/products/webp/2026/01/31/u-g1.webp\",\"content_type\":\"image/webp\","
        "\"width\":640,\"height\":320,\"bytes\":22}");
}

static void test_a_failed_image_says_why(void **state)
{
    struct db_image image = fresh;
    image.status = "failed";
    image.error = ERR_CORRUPT_IMAGE;
    json_t *body = view_image(*state, "", &image);
    json_t *error = json_incref(json_object_get(body, "error"));
    json_decref(body);
    assert_json(error, "{\"code\":\"corrupt_image\",\"detail\":\"The image is damaged or incomplete.\"}");
}

static void test_an_image_has_an_address_with_and_without_a_product(void **state)
{
    struct db_image image = fresh;
    assert_string_equal(view_image_url(*state, "http://h", &image),
                        "http://h/api/products/blue-mug/images/7/");
    image.product_slug = NULL;
    image.product = 0;
    assert_string_equal(view_image_url(*state, "http://h", &image), "http://h/api/images/7/");
    json_t *body = view_image(*state, "http://h", &image);
    assert_true(json_is_null(json_object_get(body, "product")));
    json_decref(body);
}

static void test_a_product_shows_its_images_and_the_primary_one(void **state)
{
    struct db_image images[2] = {fresh, fresh};
    images[1].id = 8;
    images[1].is_primary = true;
    struct db_product product = {
        3, "Blue mug", "blue-mug", "", "19.99", "2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z"};
    /* the primary image may stand behind those that are shown */
    struct db_gallery gallery = {.product = 3, .list = images, .count = 1, .primary = &images[1]};
    json_t *body = view_product(*state, "http://h", &product, &gallery);
    static const char *const keys[] = {"id",     "name",       "slug",        "description",  "price",
                                       "image",  "image_url",  "image_width", "image_height", "primary_image",
                                       "images", "images_url", "created_at",  "updated_at"};
    size_t place = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(body, key, value)
    {
        assert_string_equal(key, keys[place++]);
    }
    assert_int_equal(place, 14);
    assert_int_equal(json_array_size(json_object_get(body, "images")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(body, "primary_image"), "id")), 8);
    assert_string_equal(json_string_value(json_object_get(body, "images_url")),
                        "http://h/api/products/blue-mug/images/");
    assert_string_equal(json_string_value(json_object_get(body, "price")), "19.99");
    json_decref(body);
    product.price = NULL;
    body = view_product(*state, "http://h", &product, NULL);
    assert_true(json_is_null(json_object_get(body, "price")));
    assert_true(json_is_null(json_object_get(body, "primary_image")));
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_new_image_has_every_key_in_the_order_of_the_contract, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_variants_have_urls_once_they_are_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_image_says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_image_has_an_address_with_and_without_a_product, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_product_shows_its_images_and_the_primary_one, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
