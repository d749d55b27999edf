// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_image_row.h"

#include "common/db/db_row.h"

static void take_image(const struct db_row *row, struct db_image *image)
{
    const char *error = db_row_text(row, "error");
    *image = (struct db_image){
        .id = db_row_int64(row, "id"),
        .product = db_row_int64(row, "product"),
        .product_slug = db_row_text(row, "product_slug"),
        .stored_name = db_row_text(row, "stored_name"),
        .alt_text = db_row_text(row, "alt_text"),
        .caption = db_row_text(row, "caption"),
        .is_primary = db_row_bool(row, "is_primary"),
        .order = db_row_int64(row, "sort_order"),
        .uploaded_at = db_row_text(row, "uploaded_at"),
        .status = db_row_text(row, "status"),
        .error = error == NULL ? ERR_NONE : err_of_word(error),
        .format = db_row_format(row, "format"),
        .width_px = db_row_int(row, "width_px"),
        .height_px = db_row_int(row, "height_px"),
        .bytes = db_row_int64(row, "bytes"),
        .sha256 = db_row_text(row, "sha256"),
        .blurhash = db_row_text(row, "blurhash"),
        .profile = db_row_text(row, "profile"),
        .to_refine = db_row_bool(row, "to_refine"),
        .processed_at = db_row_text(row, "processed_at"),
        .attempts = db_row_int(row, "attempts"),
        .generation = db_row_int64(row, "generation"),
    };
}

static void take_variant(const struct db_row *row, struct db_variant *variant)
{
    *variant = (struct db_variant){
        .name = db_row_text(row, "variant_name"),
        .stored_name = db_row_text(row, "variant_stored_name"),
        .format = db_row_format(row, "variant_format"),
        .width_px = db_row_int(row, "variant_width_px"),
        .height_px = db_row_int(row, "variant_height_px"),
        .bytes = db_row_int64(row, "variant_bytes"),
    };
}

size_t db_image_row_take(const PGresult *result, struct arena *arena, struct db_image **out)
{
    size_t rows = (size_t)PQntuples(result);
    /* at least as many as there can be of each */
    struct db_image *images = arena_alloc(arena, rows * sizeof *images);
    struct db_variant *variants = arena_alloc(arena, rows * sizeof *variants);
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        struct db_row row = {.result = result, .row = (int)i, .arena = arena};
        if (count == 0 || images[count - 1].id != db_row_int64(&row, "id")) {
            take_image(&row, &images[count++]);
            images[count - 1].variants = &variants[i];
        }
        if (!db_row_is_null(&row, "variant_name")) {
            take_variant(&row, &variants[i]);
            images[count - 1].variant_count++;
        }
    }
    *out = images;
    return count;
}
