// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_image_made.h"

void db_image_made_values(struct db_call *call, const struct db_image_result *const *results, size_t count,
                          const char *values[DB_MADE_VALUES])
{
    struct db_array columns[DB_MADE_VALUES];
    for (size_t i = 0; i < DB_MADE_VALUES; i++) {
        db_array_init(&columns[i], call);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < results[i]->variant_count; j++) {
            const struct db_variant *variant = &results[i]->variants[j];
            db_array_add_int(&columns[0], results[i]->id);
            db_array_add_int(&columns[1], (int64_t)j + 1);
            db_array_add_text(&columns[2], variant->name);
            db_array_add_text(&columns[3], variant->stored_name);
            db_array_add_text(&columns[4], image_format_word(variant->format));
            db_array_add_int(&columns[5], variant->width_px);
            db_array_add_int(&columns[6], variant->height_px);
            db_array_add_int(&columns[7], variant->bytes);
        }
    }
    for (size_t i = 0; i < DB_MADE_VALUES; i++) {
        values[i] = db_array_finish(&columns[i]);
    }
}

/* In the order of the names, so that two who bury the same ones wait for each other at most once. */
static const struct db_statement unused_statement = {
    "image_unused", "INSERT INTO tombstone (stored_name) SELECT made.stored_name FROM "
                    "unnest($1::text[]) AS made (stored_name) "
                    "WHERE NOT EXISTS (SELECT FROM variant v WHERE v.stored_name = made.stored_name) "
                    "ORDER BY made.stored_name ON CONFLICT DO NOTHING"};

void db_image_made_add_unused(struct db_call *call, const struct db_image_result *const *results,
                              size_t count)
{
    struct db_array names;
    db_array_init(&names, call);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < results[i]->variant_count; j++) {
            db_array_add_text(&names, results[i]->variants[j].stored_name);
        }
        for (size_t j = 0; j < results[i]->unused_count; j++) {
            db_array_add_text(&names, results[i]->unused[j]);
        }
    }
    const char *value = db_array_finish(&names);
    db_call_add(call, &unused_statement, 1, &value);
}
