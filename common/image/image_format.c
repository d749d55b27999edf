// SPDX-License-Identifier: Apache-2.0
#include "common/image/image_format.h"
#include "common/base/text.h"

#include <stddef.h>

struct format_row {
    const char *word;
    const char *extension;
    const char *content_type;
};

static const struct format_row rows[IMAGE_FORMAT_COUNT] = {
    [IMAGE_UNKNOWN] = {"unknown", "bin", "application/octet-stream"},
    [IMAGE_JPEG] = {"jpeg", "jpg", "image/jpeg"},
    [IMAGE_PNG] = {"png", "png", "image/png"},
    [IMAGE_WEBP] = {"webp", "webp", "image/webp"},
};

static const char *const accepted_endings[] = {".jpg", ".jpeg", ".png", ".webp"};

static const struct format_row *row_of(enum image_format format)
{
    return &rows[(unsigned)format < IMAGE_FORMAT_COUNT ? format : IMAGE_UNKNOWN];
}

const char *image_format_word(enum image_format format)
{
    return row_of(format)->word;
}

enum image_format image_format_of_word(const char *word)
{
    for (unsigned i = IMAGE_UNKNOWN + 1; i < IMAGE_FORMAT_COUNT; i++) {
        if (strcmp(word, rows[i].word) == 0) {
            return (enum image_format)i;
        }
    }
    return IMAGE_UNKNOWN;
}

const char *image_format_extension(enum image_format format)
{
    return row_of(format)->extension;
}

const char *image_format_content_type(enum image_format format)
{
    return row_of(format)->content_type;
}

bool image_format_accepts_name(const char *file_name)
{
    const char *ending = strrchr(file_name, '.');
    if (ending == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof accepted_endings / sizeof accepted_endings[0]; i++) {
        if (text_equal_nocase(ending, accepted_endings[i])) {
            return true;
        }
    }
    return false;
}
