// SPDX-License-Identifier: Apache-2.0
/*
 * Reading images with their variants from rows that join the two: a row a variant, an image's rows together.
 * Inside db only.
 */
#ifndef PIXMILL_DB_DB_IMAGE_ROW_H
#define PIXMILL_DB_DB_IMAGE_ROW_H

#include "common/db/db_image.h"

#include <libpq-fe.h>

/* A timestamptz as RFC 3339 UTC with microseconds, whatever the session's time zone. */
#define DB_UTC(column) "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

/* What db_image_row_take reads, of image i, product p and variant v. */
#define DB_IMAGE_COLUMNS                                                                                     \
    "i.id, i.product, p.slug AS product_slug, i.stored_name, i.alt_text, i.caption, i.is_primary, "          \
    "i.sort_order, " DB_UTC(                                                                                 \
        "i.uploaded_at") " AS uploaded_at, i.status, i.error, i.format, i.width_px, i.height_px, i.bytes, "  \
                         "encode(i.sha256, 'hex') AS sha256, i.blurhash, " DB_UTC(                           \
                             "i.processed_at") " AS processed_at, i.attempts, i.profile, i.to_refine, "      \
                                               "i.generation, v.name AS variant_name, v.stored_name AS "     \
                                               "variant_stored_name, v.format AS variant_format, "           \
                                               "v.width_px AS variant_width_px, v.height_px AS "             \
                                               "variant_height_px, v.bytes AS variant_bytes "

/* The joins that go with them; i stands for what the statement calls so. */
#define DB_IMAGE_JOINS "LEFT JOIN product p ON p.id = i.product LEFT JOIN variant v ON v.image = i.id "

/* Reads all images of a result into an array in the arena. Returns how many. */
size_t db_image_row_take(const PGresult *result, struct arena *arena, struct db_image **out);

#endif
