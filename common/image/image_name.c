// SPDX-License-Identifier: Apache-2.0
#include "common/image/image_name.h"

#include "common/base/text.h"

#include <assert.h>
#include <inttypes.h>

enum { UUID_CHARACTERS = 36, DATE_CHARACTERS = 10 /* YYYY/MM/DD */, PASS_CHARACTERS = 2 };

static const char root[] = "products/";

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool is_hex(char character)
{
    return is_digit(character) || (character >= 'a' && character <= 'f') ||
           (character >= 'A' && character <= 'F');
}

/* Matches text against a pattern where '9' stands for a digit and 'x' for a hexadecimal digit; the end may
 * follow. */
static bool has_shape(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; text++, pattern++) {
        bool is_good = *pattern == '9'   ? is_digit(*text)
                       : *pattern == 'x' ? is_hex(*text)
                                         : *text == *pattern;
        if (!is_good) {
            return false;
        }
    }
    return true;
}

static bool has_known_extension(const char *text)
{
    for (unsigned i = 0; i < IMAGE_FORMAT_COUNT; i++) {
        if (strcmp(text, image_format_extension((enum image_format)i)) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_folder(const char *folder)
{
    size_t length = strspn(folder, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return length > 0 && folder[length] == '\0';
}

void image_name_original(char out[IMAGE_NAME_BYTES], int64_t wall_us, const char *uuid,
                         enum image_format format)
{
    /* rounds down before 1970 too */
    int64_t seconds = wall_us / 1000000 - (wall_us % 1000000 < 0 ? 1 : 0);
    time_t when = (time_t)seconds;
    struct tm day;
    struct tm *known = gmtime_r(&when, &day);
    assert(known != NULL && strlen(uuid) == UUID_CHARACTERS);
    int length = snprintf(out, IMAGE_NAME_BYTES, "%s%04d/%02d/%02d/%s.%s", root, day.tm_year + 1900,
                          day.tm_mon + 1, day.tm_mday, uuid, image_format_extension(format));
    assert(length > 0 && length < IMAGE_NAME_BYTES);
}

int image_name_variant(char out[IMAGE_NAME_BYTES], const char *original, const char *folder,
                       int64_t generation, enum image_format format, struct err *err)
{
    const char *date = original + strlen(root);
    if (strlen(original) >= IMAGE_NAME_BYTES ||
        !has_shape(original, "products/9999/99/99/xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx.") ||
        !has_known_extension(date + DATE_CHARACTERS + 1 + UUID_CHARACTERS + 1)) {
        return err_set(err, ERR_INTERNAL, "not the name of an original");
    }
    if (!is_folder(folder) || generation < 0) {
        return err_set(err, ERR_INTERNAL, "not a folder of variants, or a generation below 0");
    }
    char name[IMAGE_NAME_BYTES];
    int length =
        snprintf(name, sizeof name, "%s%s/%.*s-g%" PRId64 ".%s", root, folder,
                 DATE_CHARACTERS + 1 + UUID_CHARACTERS, date, generation, image_format_extension(format));
    if (length < 0 || (size_t)length + PASS_CHARACTERS >= sizeof name) {
        return err_set(err, ERR_INTERNAL, "the name of a variant is too long");
    }
    memcpy(out, name, (size_t)length + 1);
    return 0;
}

void image_name_set_pass(char name[IMAGE_NAME_BYTES], enum image_name_pass pass)
{
    static const char marks[] = {[IMAGE_NAME_HURRIED] = 'b', [IMAGE_NAME_REFINED] = 'r'};
    char *dot = strrchr(name, '.');
    assert(dot != NULL && strlen(name) + PASS_CHARACTERS < IMAGE_NAME_BYTES);
    if (pass != IMAGE_NAME_PLAIN) {
        memmove(dot + PASS_CHARACTERS, dot, strlen(dot) + 1);
        dot[0] = '-';
        dot[1] = marks[pass];
    }
}

/* What follows the UUID of a variant: "-g", a number, the mark of a pass or none, and a format. */
static bool is_variant_ending(const char *text)
{
    size_t digits = text_starts_with(text, "-g") ? strspn(text + 2, "0123456789") : 0;
    if (digits == 0) {
        return false;
    }
    const char *rest = text + 2 + digits;
    if (rest[0] == '-' && (rest[1] == 'b' || rest[1] == 'r')) {
        rest += PASS_CHARACTERS;
    }
    return rest[0] == '.' && has_known_extension(rest + 1);
}

bool image_name_is_ours(const char *name)
{
    static const char pattern[] = "9999/99/99/xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (!image_name_is_safe(name) || !has_shape(name, root)) {
        return false;
    }
    const char *date = name + strlen(root);
    if (has_shape(date, pattern)) {
        return date[strlen(pattern)] == '.' && has_known_extension(date + strlen(pattern) + 1);
    }
    const char *slash = strchr(date, '/');
    return slash != NULL && has_shape(slash + 1, pattern) && is_variant_ending(slash + 1 + strlen(pattern));
}

static bool is_safe_part(const char *part, size_t length)
{
    if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.')) {
        return false;
    }
    return true;
}

bool image_name_is_safe(const char *name)
{
    if (strnlen(name, IMAGE_NAME_BYTES) >= IMAGE_NAME_BYTES) {
        return false;
    }
    for (const char *part = name;;) {
        size_t length = strspn(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
        if (!is_safe_part(part, length)) {
            return false;
        }
        if (part[length] == '\0') {
            return true;
        }
        if (part[length] != '/') {
            return false;
        }
        part += length + 1;
    }
}
