// SPDX-License-Identifier: Apache-2.0
/*
 * The image formats that pixmill knows, and their names. Pure.
 */
#ifndef PIXMILL_IMAGE_IMAGE_FORMAT_H
#define PIXMILL_IMAGE_IMAGE_FORMAT_H

#include <stdbool.h>

enum image_format { IMAGE_UNKNOWN, IMAGE_JPEG, IMAGE_PNG, IMAGE_WEBP, IMAGE_FORMAT_COUNT };

/* "jpeg", "png", "webp"; "unknown" for IMAGE_UNKNOWN. The word in rows, answers and frames. */
const char *image_format_word(enum image_format format);

/* The format of a word, or IMAGE_UNKNOWN. */
enum image_format image_format_of_word(const char *word);

/* The extension of stored names, without a dot: "jpg", "png", "webp"; "bin" for IMAGE_UNKNOWN. */
const char *image_format_extension(enum image_format format);

/* The media type (RFC 2046, RFC 9649 for WebP): "image/jpeg"...; "application/octet-stream" for IMAGE_UNKNOWN. */
const char *image_format_content_type(enum image_format format);

/* True where a file name ends with an extension that uploads may have (.jpg .jpeg .png .webp, any case). */
bool image_format_accepts_name(const char *file_name);

#endif
