// SPDX-License-Identifier: Apache-2.0
#include "api/route/view.h"

#include "api/http/query.h"
#include "common/base/arena.h"

#include <string.h>

const char *view_media_url(struct arena *arena, const char *base, const char *stored_name)
{
    /* Stored names are safe in a URL as they are (image_name_is_safe). */
    return arena_format(arena, "%s/media/%s", base, stored_name);
}

static const char *product_url(struct arena *arena, const char *base, const char *slug)
{
    return arena_format(arena, "%s/api/products/%s/", base, query_encode(arena, slug));
}

const char *view_image_url(struct arena *arena, const char *base, const struct db_image *image)
{
    if (image->product_slug == NULL) {
        return arena_format(arena, "%s/api/images/%lld/", base, (long long)image->id);
    }
    return arena_format(arena, "%simages/%lld/", product_url(arena, base, image->product_slug),
                        (long long)image->id);
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *number_or_null(int64_t number)
{
    return number ? json_integer(number) : json_null();
}

static json_t *error_or_null(enum err_code code)
{
    if (code == ERR_NONE) {
        return json_null();
    }
    json_t *error = json_object();
    json_object_set_new(error, "code", json_string(err_word(code)));
    json_object_set_new(error, "detail", json_string(err_text(code)));
    return error;
}

static json_t *variant_url(struct arena *arena, const char *base, const struct db_image *image,
                           const char *name)
{
    for (size_t i = 0; i < image->variant_count; i++) {
        if (strcmp(image->variants[i].name, name) == 0) {
            return json_string(view_media_url(arena, base, image->variants[i].stored_name));
        }
    }
    return json_null();
}

static json_t *variants(struct arena *arena, const char *base, const struct db_image *image)
{
    json_t *all = json_object();
    for (size_t i = 0; i < image->variant_count; i++) {
        const struct db_variant *variant = &image->variants[i];
        json_t *one = json_object();
        json_object_set_new(one, "url", json_string(view_media_url(arena, base, variant->stored_name)));
        json_object_set_new(one, "content_type", json_string(image_format_content_type(variant->format)));
        json_object_set_new(one, "width", json_integer(variant->width_px));
        json_object_set_new(one, "height", json_integer(variant->height_px));
        json_object_set_new(one, "bytes", json_integer(variant->bytes));
        json_object_set_new(all, variant->name, one);
    }
    return all;
}

json_t *view_image(struct arena *arena, const char *base, const struct db_image *image)
{
    bool has_format = image->format != IMAGE_UNKNOWN;
    const char *url = view_media_url(arena, base, image->stored_name);
    json_t *body = json_object();
    json_object_set_new(body, "id", json_integer(image->id));
    json_object_set_new(body, "product", number_or_null(image->product));
    json_object_set_new(body, "image", json_string(url));
    json_object_set_new(body, "image_url", json_string(url));
    json_object_set_new(body, "thumbnail_url", variant_url(arena, base, image, "thumbnail"));
    json_object_set_new(body, "medium_url", variant_url(arena, base, image, "medium"));
    json_object_set_new(body, "webp_url", variant_url(arena, base, image, "webp"));
    json_object_set_new(body, "alt_text", json_string(image->alt_text ? image->alt_text : ""));
    json_object_set_new(body, "caption", json_string(image->caption ? image->caption : ""));
    json_object_set_new(body, "is_primary", json_boolean(image->is_primary));
    json_object_set_new(body, "order", json_integer(image->order));
    json_object_set_new(body, "uploaded_at", text_or_null(image->uploaded_at));
    json_object_set_new(body, "status", text_or_null(image->status));
    json_object_set_new(body, "error", error_or_null(image->error));
    json_object_set_new(body, "format", text_or_null(has_format ? image_format_word(image->format) : NULL));
    json_object_set_new(body, "width", number_or_null(image->width_px));
    json_object_set_new(body, "height", number_or_null(image->height_px));
    json_object_set_new(body, "bytes", json_integer(image->bytes));
    json_object_set_new(body, "sha256", text_or_null(image->sha256));
    json_object_set_new(body, "blurhash", text_or_null(image->blurhash));
    json_object_set_new(body, "variants", variants(arena, base, image));
    json_object_set_new(body, "processed_at", text_or_null(image->processed_at));
    json_object_set_new(body, "attempts", json_integer(image->attempts));
    return body;
}

json_t *view_product(struct arena *arena, const char *base, const struct db_product *product,
                     const struct db_gallery *gallery)
{
    const char *url = product_url(arena, base, product->slug);
    json_t *list = json_array();
    json_t *primary = json_null();
    for (size_t i = 0; gallery != NULL && i < gallery->count; i++) {
        json_array_append_new(list, view_image(arena, base, &gallery->list[i]));
    }
    if (gallery != NULL && gallery->primary != NULL) {
        primary = view_image(arena, base, gallery->primary);
    }
    json_t *body = json_object();
    json_object_set_new(body, "id", json_integer(product->id));
    json_object_set_new(body, "name", text_or_null(product->name));
    json_object_set_new(body, "slug", text_or_null(product->slug));
    json_object_set_new(body, "description", json_string(product->description ? product->description : ""));
    json_object_set_new(body, "price", text_or_null(product->price));
    /* A product's single image has no row of its own yet. */
    json_object_set_new(body, "image", json_null());
    json_object_set_new(body, "image_url", json_null());
    json_object_set_new(body, "image_width", json_null());
    json_object_set_new(body, "image_height", json_null());
    json_object_set_new(body, "primary_image", primary);
    json_object_set_new(body, "images", list);
    json_object_set_new(body, "images_url", json_string(arena_format(arena, "%simages/", url)));
    json_object_set_new(body, "created_at", text_or_null(product->created_at));
    json_object_set_new(body, "updated_at", text_or_null(product->updated_at));
    return body;
}
