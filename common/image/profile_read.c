// SPDX-License-Identifier: Apache-2.0
#include "common/image/profile_read.h"

#include "common/base/text.h"

#include <jansson.h>

enum {
    MOST_SIDE_PX = 16383, /* WebP's, the least of the formats' */
    MOST_BUSY_SECONDS = 86400,
    MOST_EFFORT = 6,
    PRESET_QUALITY = 85,
    PRESET_EFFORT = 4,
    PRESET_EFFORT_BUSY = 2,
    PRESET_BUSY_SECONDS = 60
};

/* An object on its way through the readers. */
struct place {
    json_t *object; /* only read: jansson's iterator takes no const one */
    char path[32];  /* "variants[1]." or "" */
    struct err *err;
};

static int refuse(const struct place *place, const char *key, const char *why)
{
    return err_set(place->err, ERR_CONFIG, "%s%s: %s", place->path, key, why);
}

/* A key of the file, as much of it as a sentence can bear; it may hold anything. */
static int refuse_unknown(const struct place *place, const char *key)
{
    char plain[33];
    size_t length = 0;
    for (; length < sizeof plain - 1 && key[length] != '\0'; length++) {
        plain[length] = (char)(key[length] >= ' ' && key[length] <= '~' ? key[length] : '?');
    }
    plain[length] = '\0';
    return refuse(place, plain, "no such field");
}

static int check_keys(const struct place *place, const char *const *keys)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(place->object, key, value)
    {
        const char *const *known = keys;
        while (*known != NULL && strcmp(*known, key) != 0) {
            known++;
        }
        if (*known == NULL) {
            return refuse_unknown(place, key);
        }
    }
    return 0;
}

struct range {
    const char *key;
    int least;
    int most;
    int preset; /* where the field is not there */
};

static int read_int(const struct place *place, const struct range *range, int *out)
{
    const json_t *value = json_object_get(place->object, range->key);
    if (value == NULL) {
        *out = range->preset;
        return 0;
    }
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < range->least || number > range->most) {
        return err_set(place->err, ERR_CONFIG, "%s%s: not a whole number from %d to %d", place->path,
                       range->key, range->least, range->most);
    }
    *out = (int)number;
    return 0;
}

static int read_bool(const struct place *place, const char *key, bool *out)
{
    const json_t *value = json_object_get(place->object, key);
    if (value != NULL && !json_is_boolean(value)) {
        return refuse(place, key, "not true or false");
    }
    *out = json_is_true(value);
    return 0;
}

static int read_name(const struct place *place, char out[PROFILE_NAME_BYTES])
{
    const json_t *value = json_object_get(place->object, "name");
    const char *name = json_string_value(value);
    if (name == NULL) {
        return refuse(place, "name", value == NULL ? "is missing" : "not a string");
    }
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    if (name[0] < 'a' || name[0] > 'z' || length != json_string_length(value) ||
        length >= PROFILE_NAME_BYTES) {
        return refuse(place, "name", "not 1 to 23 of a-z, 0-9, _ and -, with a letter first");
    }
    memcpy(out, name, length + 1);
    return 0;
}

static int read_fit(const struct place *place, enum profile_fit *out)
{
    const json_t *value = json_object_get(place->object, "fit");
    const char *word = json_string_value(value);
    bool is_cover = word != NULL && strcmp(word, "cover") == 0;
    if (value != NULL && !is_cover && (word == NULL || strcmp(word, "inside") != 0)) {
        return refuse(place, "fit", "not \"inside\" or \"cover\"");
    }
    *out = is_cover ? PROFILE_COVER : PROFILE_INSIDE;
    return 0;
}

static int read_format(const struct place *place, enum image_format *out)
{
    const json_t *value = json_object_get(place->object, "format");
    const char *word = json_string_value(value);
    enum image_format format = word == NULL ? IMAGE_UNKNOWN : image_format_of_word(word);
    if (word != NULL && strcmp(word, "avif") == 0) {
        return refuse(place, "format", "avif is not made by this build");
    }
    if (format == IMAGE_UNKNOWN) {
        return refuse(place, "format", value == NULL ? "is missing" : "not \"jpeg\", \"png\" or \"webp\"");
    }
    *out = format;
    return 0;
}

static int read_background(const struct place *place, struct profile_variant *variant)
{
    static const unsigned char white[] = {255, 255, 255};
    const json_t *value = json_object_get(place->object, "background");
    const char *text = json_string_value(value);
    memcpy(variant->background, white, sizeof white);
    variant->keeps_alpha = json_is_null(value);
    if (variant->keeps_alpha && variant->format == IMAGE_JPEG) {
        return refuse(place, "background", "null keeps alpha, which JPEG can not");
    }
    if (value == NULL || variant->keeps_alpha) {
        return 0;
    }
    if (text == NULL || text[0] != '#' || strlen(text) != json_string_length(value) ||
        text_of_hex(text + 1, variant->background, sizeof variant->background) != 0) {
        return refuse(place, "background", "not \"#rrggbb\" or null");
    }
    return 0;
}

static int read_min_ssim(const struct place *place, struct profile_variant *variant)
{
    const json_t *value = json_object_get(place->object, "min_ssim");
    double number = json_number_value(value);
    if (value != NULL && (!json_is_number(value) || !(number >= 0 && number <= 1))) {
        return refuse(place, "min_ssim", "not a number from 0 to 1");
    }
    if (number > 0 && variant->format == IMAGE_PNG) {
        return refuse(place, "min_ssim", "PNG loses nothing");
    }
    variant->min_ssim = (int)(number * PROFILE_SIMILARITY_ONE + 0.5);
    return 0;
}

static int read_box(const struct place *place, struct profile_variant *variant)
{
    static const struct range width = {"width", 1, MOST_SIDE_PX, 0};
    static const struct range height = {"height", 1, MOST_SIDE_PX, 0};
    if (read_fit(place, &variant->fit) != 0 || read_int(place, &width, &variant->width_px) != 0 ||
        read_int(place, &height, &variant->height_px) != 0) {
        return -1;
    }
    if (variant->fit == PROFILE_COVER && (variant->width_px == 0 || variant->height_px == 0)) {
        return refuse(place, variant->width_px == 0 ? "width" : "height", "is missing; \"cover\" needs it");
    }
    return 0;
}

static int read_efforts(const struct place *place, struct profile_variant *variant)
{
    static const char *const keys[] = {"effort", "effort_busy"};
    static const struct range effort = {"effort", 0, MOST_EFFORT, PRESET_EFFORT};
    for (size_t i = 0; variant->format != IMAGE_WEBP && i < 2; i++) {
        if (json_object_get(place->object, keys[i]) != NULL) {
            return refuse(place, keys[i], "only WebP has it");
        }
    }
    if (variant->format != IMAGE_WEBP) {
        return 0;
    }
    if (read_int(place, &effort, &variant->effort) != 0) {
        return -1;
    }
    int preset = variant->effort < PRESET_EFFORT_BUSY ? variant->effort : PRESET_EFFORT_BUSY;
    const struct range busy = {"effort_busy", 0, variant->effort, preset};
    return read_int(place, &busy, &variant->effort_busy);
}

static int read_variant(const struct place *place, struct profile_variant *variant)
{
    static const char *const keys[] = {"name",     "fit",    "width",       "height",     "format",
                                       "quality",  "effort", "effort_busy", "background", "skip_if_larger",
                                       "min_ssim", NULL};
    static const struct range quality = {"quality", 1, 100, PRESET_QUALITY};
    *variant = (struct profile_variant){.fit = PROFILE_INSIDE};
    if (!json_is_object(place->object)) {
        return refuse(place, "", "not an object");
    }
    if (check_keys(place, keys) != 0 || read_name(place, variant->name) != 0 ||
        read_format(place, &variant->format) != 0 || read_box(place, variant) != 0 ||
        read_int(place, &quality, &variant->quality) != 0 || read_efforts(place, variant) != 0 ||
        read_background(place, variant) != 0 ||
        read_bool(place, "skip_if_larger", &variant->skip_if_larger) != 0 ||
        read_min_ssim(place, variant) != 0) {
        return -1;
    }
    /* the folder of the built-in profile's thumbnail, for which files are stored already */
    bool is_thumbnail = strcmp(variant->name, "thumbnail") == 0;
    memcpy(variant->folder, variant->name, sizeof variant->folder);
    return is_thumbnail ? text_copy(variant->folder, sizeof variant->folder, "thumbnails") : 0;
}

static int check_other_names(const struct place *place, const struct profile *profile, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(profile->variants[i].name, profile->variants[index].name) == 0 ||
            strcmp(profile->variants[i].folder, profile->variants[index].folder) == 0) {
            return refuse(place, "name", "another variant has this name, or its folder");
        }
    }
    return 0;
}

static int read_variants(const struct place *place, struct profile *profile)
{
    const json_t *list = json_object_get(place->object, "variants");
    size_t count = json_array_size(list);
    if (count < 1 || count > PROFILE_MAX_VARIANTS) {
        return refuse(place, "variants", list == NULL ? "is missing" : "not a list of 1 to 8 variants");
    }
    for (size_t i = 0; i < count; i++) {
        struct place inner = {.object = json_array_get(list, i), .err = place->err};
        snprintf(inner.path, sizeof inner.path, "variants[%zu].", i);
        if (read_variant(&inner, &profile->variants[i]) != 0 || check_other_names(&inner, profile, i) != 0) {
            return -1;
        }
    }
    profile->count = count;
    return 0;
}

/* Those of full size take most of the time, so they come last. */
static void sort_variants(struct profile *profile)
{
    struct profile_variant sorted[PROFILE_MAX_VARIANTS] = {0};
    size_t count = 0;
    for (int is_full = 0; is_full <= 1; is_full++) {
        for (size_t i = 0; i < profile->count; i++) {
            if (profile_variant_is_full_size(&profile->variants[i]) == (is_full == 1)) {
                sorted[count++] = profile->variants[i];
            }
        }
    }
    memcpy(profile->variants, sorted, count * sizeof *sorted);
}

static int read_root(json_t *root, struct profile *profile, struct err *err)
{
    static const char *const keys[] = {"name", "busy_seconds", "variants", NULL};
    static const struct range busy = {"busy_seconds", 0, MOST_BUSY_SECONDS, PRESET_BUSY_SECONDS};
    struct place place = {.object = root, .err = err};
    int busy_seconds = 0;
    if (!json_is_object(root)) {
        return refuse(&place, "the profile", "not an object");
    }
    if (check_keys(&place, keys) != 0 || read_name(&place, profile->name) != 0 ||
        read_int(&place, &busy, &busy_seconds) != 0 || read_variants(&place, profile) != 0) {
        return -1;
    }
    profile->busy_seconds = busy_seconds;
    return 0;
}

int profile_read(const char *data, size_t bytes, struct profile *out, struct err *err)
{
    json_error_t fault;
    struct profile profile = {.count = 0};
    if (bytes > PROFILE_READ_MOST_BYTES) {
        return err_set(err, ERR_CONFIG, "the profile: more than %d bytes", PROFILE_READ_MOST_BYTES);
    }
    json_t *root = json_loadb(data, bytes, JSON_REJECT_DUPLICATES, &fault);
    if (root == NULL) {
        return err_set(err, ERR_CONFIG, "the profile: no JSON, in line %d, or a field that comes twice",
                       fault.line);
    }
    int rc = read_root(root, &profile, err);
    json_decref(root);
    if (rc != 0) {
        return -1;
    }
    sort_variants(&profile);
    profile_identify(&profile);
    *out = profile;
    return 0;
}
