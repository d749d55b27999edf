// SPDX-License-Identifier: Apache-2.0
/*
 * Rows as clients see them: JSON with every key of the contract in its order; what is not known is null. Pure.
 */
#ifndef PIXMILL_ROUTE_VIEW_H
#define PIXMILL_ROUTE_VIEW_H

#include "common/db/db_image.h"
#include "common/db/db_product.h"

#include <jansson.h>

struct arena;

/* The URL of a stored file: BASE/media/NAME. In the arena. */
const char *view_media_url(struct arena *arena, const char *base, const char *stored_name);

/* The URL of an image's own row: under its product where it has one. In the arena. */
const char *view_image_url(struct arena *arena, const char *base, const struct db_image *image);

/* An image. base is what URLs start with, without a last slash. The caller owns what is returned; so below. */
json_t *view_image(struct arena *arena, const char *base, const struct db_image *image);

/* A product with the images of its gallery; NULL: it has none yet. */
json_t *view_product(struct arena *arena, const char *base, const struct db_product *product,
                     const struct db_gallery *gallery);

#endif
