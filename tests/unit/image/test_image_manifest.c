// SPDX-License-Identifier: Apache-2.0
/*
 * Every file of the folder of test images (PIXMILL_TEST_IMAGES, or beside the checkout), in pieces of one byte and in one piece,
 * against the verdict, format and stored size of its MANIFEST.tsv. Skipped, visibly, where the folder is not there.
 */
#include "common/image/image_head.h"
#include "common/image/limits.h"

#include <setjmp.h>
#include <strings.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    COLUMN_PATH = 0,
    COLUMN_VERDICT = 5,
    COLUMN_ALSO_OK = 6,
    COLUMN_FORMAT = 7,
    COLUMN_WIDTH = 10,
    COLUMN_HEIGHT = 11,
    COLUMNS = 12
};

static const struct image_limits limits = {.max_file_bytes = 5 << 20,
                                           .min_side_px = 200,
                                           .max_side_px = 5000,
                                           .max_pixels = 40000000,
                                           .max_frames = 64,
                                           .max_scans = 100};

static const char *folder(void)
{
    const char *named = getenv("PIXMILL_TEST_IMAGES");
    return named != NULL && named[0] != '\0' ? named : PIXMILL_SOURCE_DIR "/../shared/images";
}

static unsigned char *read_file(const char *name, size_t *bytes)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    enum { MOST = 16 << 20 };
    unsigned char *data = malloc(MOST);
    assert_non_null(data);
    *bytes = fread(data, 1, MOST, file);
    fclose(file);
    return data;
}

/* What an upload would be told: a word of the manifest's. */
static const char *verdict_of(const struct image_head *head, const struct err *err, size_t bytes)
{
    struct err refusal = {.code = ERR_NONE};
    if (head->state == IMAGE_HEAD_REFUSED) {
        return err->code == ERR_INVALID_IMAGE ? "corrupt" : "reject";
    }
    if (bytes > (size_t)limits.max_file_bytes) {
        return "too-large-bytes";
    }
    if (image_limits_check(&limits, head->width_px, head->height_px, &refusal) == 0) {
        return "accept";
    }
    return refusal.code == ERR_TOO_SMALL ? "too-small" : "too-large-pixels";
}

/* An accepted head may turn out corrupt or too costly later; a refused one must be refused by the manifest. */
static bool agrees(const char *verdict, char *const *columns)
{
    if (strcmp(verdict, "accept") == 0) {
        return strcmp(columns[COLUMN_VERDICT], "reject") != 0 &&
               strncmp(columns[COLUMN_VERDICT], "too-", 4) != 0;
    }
    return strcmp(columns[COLUMN_VERDICT], verdict) == 0 || strstr(columns[COLUMN_ALSO_OK], verdict) != NULL;
}

static int check_row(char *const *columns)
{
    size_t bytes = 0;
    unsigned char *data = read_file(columns[COLUMN_PATH], &bytes);
    struct image_head whole;
    struct image_head pieces;
    struct err err = {.code = ERR_NONE};
    assert_non_null(data);
    image_head_init(&whole);
    image_head_init(&pieces);
    (void)image_head_feed(&whole, data, bytes, &err);
    (void)image_head_end(&whole, &err);
    for (size_t i = 0; i < bytes; i++) {
        (void)image_head_feed(&pieces, data + i, 1, NULL);
    }
    (void)image_head_end(&pieces, NULL);
    free(data);
    const char *verdict = verdict_of(&whole, &err, bytes);
    bool is_same = whole.state == pieces.state && whole.width_px == pieces.width_px &&
                   whole.height_px == pieces.height_px && whole.format == pieces.format;
    bool is_size = whole.state != IMAGE_HEAD_DONE || columns[COLUMN_WIDTH][0] == '\0' ||
                   (whole.width_px == (int)strtol(columns[COLUMN_WIDTH], NULL, 10) &&
                    whole.height_px == (int)strtol(columns[COLUMN_HEIGHT], NULL, 10) &&
                    strcasecmp(image_format_word(whole.format), columns[COLUMN_FORMAT]) == 0);
    if (is_same && is_size && agrees(verdict, columns)) {
        return 0;
    }
    print_error("%s: %s, %d x %d; the manifest says %s (%s) %s x %s\n", columns[COLUMN_PATH], verdict,
                whole.width_px, whole.height_px, columns[COLUMN_VERDICT], columns[COLUMN_ALSO_OK],
                columns[COLUMN_WIDTH], columns[COLUMN_HEIGHT]);
    return 1;
}

static void every_row_of_the_manifest(void **state)
{
    (void)state;
    char path[1024];
    char line[8192];
    int rows = 0;
    int wrong = 0;
    snprintf(path, sizeof path, "%s/MANIFEST.tsv", folder());
    FILE *manifest = fopen(path, "r");
    if (manifest == NULL) {
        print_message("no test images in %s; set PIXMILL_TEST_IMAGES\n", folder());
        skip();
        return;
    }
    assert_non_null(fgets(line, sizeof line, manifest));
    while (fgets(line, sizeof line, manifest) != NULL) {
        char *columns[COLUMNS];
        char *rest = line;
        for (size_t i = 0; i < COLUMNS; i++) {
            columns[i] = strsep(&rest, "\t\n");
            assert_non_null(columns[i]);
        }
        wrong += check_row(columns);
        rows++;
    }
    fclose(manifest);
    assert_true(rows > 0);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row_of_the_manifest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
