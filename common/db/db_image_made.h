// SPDX-License-Identifier: Apache-2.0
/*
 * The variants of results as parameters: a row a variant, of any number of images, an array a column. Inside db only.
 */
#ifndef PIXMILL_DB_DB_IMAGE_MADE_H
#define PIXMILL_DB_DB_IMAGE_MADE_H

#include "common/db/db_call.h"
#include "common/db/db_image.h"

enum { DB_MADE_VALUES = 8 };

/* What statements about results begin with: their variants as rows of $1 to $8. */
#define DB_WITH_MADE                                                                                         \
    "WITH made AS ("                                                                                         \
    "SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[], $5::text[], "                \
    "$6::integer[], $7::integer[], $8::bigint[]) "                                                           \
    "AS m (image, place, name, stored_name, format, width_px, height_px, bytes)), "

/* Inserts the variants of those images that `of`, a row (id, generation) an image, has. */
#define DB_INSERT_MADE(of)                                                                                   \
    "INSERT INTO variant (image, name, place, stored_name, format, width_px, height_px, bytes, generation) " \
    "SELECT " of ".id, m.name, m.place, m.stored_name, m.format, m.width_px, m.height_px, m.bytes, " of      \
    ".generation FROM " of " JOIN made m ON m.image = " of ".id "

/* Fills $1 to $8 with the variants of `count` results. */
void db_image_made_values(struct db_call *call, const struct db_image_result *const *results, size_t count,
                          const char *values[DB_MADE_VALUES]);

/*
 * Adds the last statement of a switch: the names of the results and of earlier attempts that no row refers to get tombstones. On its
 * own, so that it sees the rows as they are after a concurrent switch: where that one was for the same generation, it has the same
 * names, and they stay.
 */
void db_image_made_add_unused(struct db_call *call, const struct db_image_result *const *results,
                              size_t count);

#endif
