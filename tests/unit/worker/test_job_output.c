// SPDX-License-Identifier: Apache-2.0
#include "worker/job_output.h"

#include "common/net/loop.h"
#include "common/storage/storage.h"
#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const char original[] = "products/2026/01/31/0188f0a0-0000-4000-8000-000000000000.jpg";

static void test_only_what_nobody_waits_for_is_left_over(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        int64_t generation;
        bool is_leftover; /* of generation 3 */
    } rows[] = {
        {"pending", 3, false}, {"processing", 3, false}, {"ready", 3, true},
        {"failed", 3, true},   {"pending", 4, true},     {"ready", 4, true},
    };
    assert_true(job_output_is_leftover(NULL, 3));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct db_image row = {.status = rows[i].status, .generation = rows[i].generation};
        assert_int_equal(job_output_is_leftover(&row, 3), rows[i].is_leftover);
    }
}

struct fixture {
    struct loop *loop;
    struct storage *storage;
    char folder[64];
    int changes;
};

static bool is_there(const struct fixture *fixture, const char *name)
{
    char path[sizeof fixture->folder + IMAGE_NAME_BYTES + 1];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    return stat(path, &status) == 0;
}

static void open_fixture(struct fixture *fixture, struct job_output *output)
{
    *fixture = (struct fixture){.folder = "/tmp/pixmill-test-XXXXXX"};
    *output = (struct job_output){.changed = await_count, .owner = &fixture->changes};
    assert_non_null(mkdtemp(fixture->folder));
    fixture->loop = loop_new(NULL);
    fixture->storage = storage_disk_open(fixture->loop, fixture->folder, NULL);
    assert_non_null(fixture->storage);
    assert_int_equal(job_output_init(output, fixture->storage, profile_default(), original, 3, NULL), 0);
}

static void close_fixture(struct fixture *fixture)
{
    char command[128];
    storage_close(fixture->storage);
    loop_run(fixture->loop);
    loop_free(fixture->loop);
    snprintf(command, sizeof command, "rm -r %s", fixture->folder);
    assert_int_equal(system(command), 0);
}

static void store(struct fixture *fixture, struct job_output *output, unsigned index, int64_t told_bytes)
{
    struct wire_variant variant = {.index = index, .width_px = 20, .height_px = 10, .bytes = told_bytes};
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, "variant", 7), 7);
    int before = fixture->changes;
    job_output_store(output, &variant, fd);
    assert_int_equal(fixture->changes, before);
    assert_true(await_reached(fixture->loop, &fixture->changes, before + 1));
    assert_int_equal(output->pending, 0);
}

static void test_stores_under_names_of_the_generation(void **state)
{
    (void)state;
    struct fixture fixture;
    struct job_output output;
    open_fixture(&fixture, &output);
    store(&fixture, &output, 0, 7);
    assert_int_equal(output.err.code, ERR_NONE);
    assert_string_equal(output.variants[0].stored_name,
                        "products/thumbnails/2026/01/31/0188f0a0-0000-4000-8000-000000000000-g3.jpg");
    assert_int_equal(output.variants[0].width_px, 20);
    assert_int_equal(output.variants[0].bytes, 7);
    assert_true(is_there(&fixture, output.variants[0].stored_name));
    store(&fixture, &output, 1, 8);
    assert_int_not_equal(output.err.code, ERR_NONE);
    close_fixture(&fixture);
}

static void test_small_variants_are_shown_when_all_of_them_are_stored(void **state)
{
    (void)state;
    struct fixture fixture;
    struct job_output output;
    open_fixture(&fixture, &output);
    store(&fixture, &output, 1, 7);
    assert_int_equal(job_output_early_count(&output), 0);
    store(&fixture, &output, 0, 8); /* its file is shorter than that */
    assert_int_equal(job_output_early_count(&output), 0);
    output.files[0].fd = -1;
    store(&fixture, &output, 0, 7);
    assert_int_equal(job_output_early_count(&output), 2);
    close_fixture(&fixture);
}

static void test_nothing_is_shown_early_where_nothing_is_large(void **state)
{
    (void)state;
    struct profile profile = *profile_default();
    struct job_output output = {.profile = &profile};
    for (size_t i = 0; i < profile.count; i++) {
        output.files[i].is_stored = true;
    }
    profile.count = 2;
    assert_int_equal(job_output_early_count(&output), 0);
    profile.variants[0].width_px = profile.variants[0].height_px = 0;
    assert_int_equal(job_output_early_count(&output), 0);
}

static void test_what_is_left_out_is_not_listed(void **state)
{
    (void)state;
    struct fixture fixture;
    struct job_output output;
    struct db_variant variants[PROFILE_MAX_VARIANTS];
    open_fixture(&fixture, &output);
    store(&fixture, &output, 1, 7);
    job_output_store(&output, &(struct wire_variant){.index = 0, .width_px = 20, .height_px = 10}, -1);
    assert_int_equal(output.pending, 0);
    assert_int_equal(job_output_early_count(&output), 2);
    assert_int_equal(job_output_list(&output, 2, variants), 1);
    assert_string_equal(variants[0].name, "medium");
    assert_int_equal(job_output_list(&output, 3, variants), 2);
    assert_string_equal(variants[1].name, "webp");
    close_fixture(&fixture);
}

static void test_a_hurried_attempt_has_names_of_its_own(void **state)
{
    (void)state;
    static const struct {
        enum image_name_pass pass;
        const char *name; /* of the webp */
        const char *other;
    } rows[] = {
        {IMAGE_NAME_PLAIN, "-g3.webp", "-g3-b.webp"},
        {IMAGE_NAME_HURRIED, "-g3-b.webp", "-g3.webp"},
        {IMAGE_NAME_REFINED, "-g3-r.webp", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job_output output = {.pass = rows[i].pass};
        const char *others[PROFILE_MAX_VARIANTS];
        assert_int_equal(job_output_init(&output, NULL, profile_default(), original, 3, NULL), 0);
        assert_non_null(strstr(output.variants[0].stored_name, "-g3.jpg"));
        assert_non_null(strstr(output.variants[2].stored_name, rows[i].name));
        assert_int_equal(job_output_list_others(&output, others), rows[i].other != NULL ? 1 : 0);
        assert_true(rows[i].other == NULL || strstr(others[0], rows[i].other) != NULL);
    }
}

static void test_removes_all_but_what_the_row_names(void **state)
{
    (void)state;
    struct fixture fixture;
    struct job_output output;
    open_fixture(&fixture, &output);
    store(&fixture, &output, 0, 7);
    store(&fixture, &output, 1, 7);
    /* a copy of the name, as a row has it */
    char named[IMAGE_NAME_BYTES];
    snprintf(named, sizeof named, "%s", output.variants[1].stored_name);
    struct db_variant variant = {.stored_name = named};
    struct db_image row = {.status = "ready", .generation = 3, .variants = &variant, .variant_count = 1};
    int before = fixture.changes;
    job_output_remove(&output, &row);
    /* all but the one, and the WebP's that a hurried attempt would have stored */
    assert_true(await_reached(fixture.loop, &fixture.changes, before + (int)profile_default()->count));
    assert_int_equal(output.pending, 0);
    assert_false(is_there(&fixture, output.variants[0].stored_name));
    assert_true(is_there(&fixture, output.variants[1].stored_name));
    close_fixture(&fixture);
}

static void test_refuses_an_original_that_is_not_ours(void **state)
{
    (void)state;
    struct job_output output = {.changed = NULL};
    struct err err;
    assert_int_equal(job_output_init(&output, NULL, profile_default(), "../etc/passwd", 1, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_nobody_waits_for_is_left_over),
        cmocka_unit_test(test_stores_under_names_of_the_generation),
        cmocka_unit_test(test_small_variants_are_shown_when_all_of_them_are_stored),
        cmocka_unit_test(test_nothing_is_shown_early_where_nothing_is_large),
        cmocka_unit_test(test_what_is_left_out_is_not_listed),
        cmocka_unit_test(test_a_hurried_attempt_has_names_of_its_own),
        cmocka_unit_test(test_removes_all_but_what_the_row_names),
        cmocka_unit_test(test_refuses_an_original_that_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
