// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/storage/home.h"

#include "common/base/arena.h"
#include "common/image/image_name.h"

enum { MANY = 57, MOST = 200 };

static void add(struct home *home, const char *file)
{
    assert_int_equal(put(home, file, file, strlen(file)), ERR_NONE);
}

static size_t list(struct home *home, struct arena *arena, const char *after, size_t limit,
                   struct storage_entry **out)
{
    struct answer answer = {0};
    size_t count = SIZE_MAX;
    storage_list(home->storage, arena, after, limit, out, &count, on_done, &answer);
    assert_int_equal(result(home, &answer), ERR_NONE);
    assert_true(count <= limit);
    return count;
}

/* Pages through all in pages of `limit`; the names must be exactly these. */
static void assert_pages(struct home *home, size_t limit, const char *const *names, size_t count)
{
    char after[IMAGE_NAME_BYTES] = "";
    size_t seen = 0;
    for (;;) {
        struct arena *arena = arena_new();
        struct storage_entry *entries = NULL;
        size_t listed = list(home, arena, after, limit, &entries);
        for (size_t i = 0; i < listed; i++) {
            assert_true(seen < count);
            assert_string_equal(entries[i].name, names[seen]);
            assert_int_equal(entries[i].bytes, strlen(names[seen]));
            seen++;
        }
        if (listed > 0) {
            snprintf(after, sizeof after, "%s", entries[listed - 1].name);
        }
        arena_free(arena);
        if (listed < limit) {
            break;
        }
    }
    assert_int_equal(seen, count);
}

/* As strcmp has it: "-" < "." < "/" < "0". */
static const char *const ordered[] = {"a-b",   "a.b",          "a/b",        "a/b-c",          "a/b.d/e",
                                      "a/c/d", "a/d",          "a0b",        "b/a/x",          "b/a/x.jpg",
                                      "b/a0",  "products-x/1", "products/1", "products/2/3/4", "z"};
enum { ORDERED = sizeof ordered / sizeof ordered[0] };

static void names_come_in_the_order_of_their_bytes_in_pages_of_any_size(void **state)
{
    struct home *home = *state;
    for (size_t i = 0; i < ORDERED; i++) {
        add(home, ordered[i * 7 % ORDERED]); /* 7 and their number have no common factor */
        assert_true(i == 0 || strcmp(ordered[i - 1], ordered[i]) < 0);
    }
    for (size_t limit = 1; limit <= ORDERED + 1; limit++) {
        assert_pages(home, limit, ordered, ORDERED);
    }
}

static void a_page_begins_after_any_name_also_one_that_is_gone(void **state)
{
    struct home *home = *state;
    static const struct {
        const char *after;
        const char *first;
    } rows[] = {
        {"a", "a-b"},     {"a-", "a-b"},  {"a-b", "a.b"},   {"a.z", "a/b"}, {"a/", "a/b"}, {"a/b", "a/c"},
        {"a/b/c", "a/c"}, {"a/z", "a0b"}, {"a/z/z", "a0b"}, {"a0a", "a0b"}, {"a0b", NULL}, {"zz", NULL},
    };
    add(home, "a-b");
    add(home, "a.b");
    add(home, "a/b");
    add(home, "a/c");
    add(home, "a0b");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *arena = arena_new();
        struct storage_entry *entries = NULL;
        size_t count = list(home, arena, rows[i].after, 1, &entries);
        assert_int_equal(count, rows[i].first != NULL);
        if (count > 0) {
            assert_string_equal(entries[0].name, rows[i].first);
        }
        arena_free(arena);
    }
}

static void a_folder_larger_than_a_page_is_listed_whole(void **state)
{
    struct home *home = *state;
    static char texts[MANY][16];
    const char *names[MANY];
    for (size_t i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof texts[i], "f/%03zu", i);
        names[i] = texts[i];
    }
    for (size_t i = 0; i < MANY; i++) {
        add(home, names[(i * 31) % MANY]);
    }
    assert_pages(home, 1, names, MANY);
    assert_pages(home, 5, names, MANY);
    assert_pages(home, MOST, names, MANY);
}

/* Every page finds a name gone that it begins after, and others that came before and behind it. */
static void files_may_come_and_go_meanwhile(void **state)
{
    struct home *home = *state;
    struct arena *arena = arena_new();
    struct storage_entry *entries = NULL;
    add(home, "f/b");
    add(home, "f/d/x");
    add(home, "f/f");
    assert_int_equal(list(home, arena, "", 2, &entries), 2);
    assert_string_equal(entries[1].name, "f/d/x");
    assert_int_equal(drop(home, "f/d/x"), ERR_NONE);
    char path[512];
    assert_int_equal(rmdir(path_of(home, "f/d", path)), 0);
    add(home, "f/a");
    add(home, "f/e");
    assert_int_equal(list(home, arena, entries[1].name, 2, &entries), 2);
    assert_string_equal(entries[0].name, "f/e");
    assert_string_equal(entries[1].name, "f/f");
    arena_free(arena);
}

static void empty_folders_do_not_end_a_page(void **state)
{
    struct home *home = *state;
    static const char *const names[] = {"a/z", "x/y"};
    char path[512];
    add(home, names[0]);
    add(home, names[1]);
    for (char letter = 'b'; letter < 'm'; letter++) {
        const char folder[] = {letter, '\0'};
        assert_int_equal(mkdir(path_of(home, folder, path), 0700), 0);
    }
    assert_pages(home, 1, names, 2);
    assert_pages(home, 2, names, 2);
    assert_pages(home, 3, names, 2);
}

static void only_stored_files_are_listed(void **state)
{
    struct home *home = *state;
    static const char *const names[] = {"a/b"};
    char path[512];
    char outside[] = "/tmp/pixmill-unit-XXXXXX";
    assert_non_null(mkdtemp(outside));
    add(home, names[0]);
    close(open(path_of(home, ".tmp/unfinished", path), O_CREAT | O_WRONLY, 0600));
    close(open(path_of(home, "a/.hidden", path), O_CREAT | O_WRONLY, 0600));
    close(open(path_of(home, "a/not a name", path), O_CREAT | O_WRONLY, 0600));
    assert_int_equal(mkfifo(path_of(home, "a/fifo", path), 0600), 0);
    assert_int_equal(symlink("b", path_of(home, "a/link", path)), 0);
    assert_int_equal(symlink(outside, path_of(home, "a/folder", path)), 0);
    assert_int_equal(symlink("..", path_of(home, "a/up", path)), 0);
    snprintf(path, sizeof path, "%s/file", outside);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_pages(home, 1, names, 1);
    assert_pages(home, MOST, names, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(outside), 0);
}

static void nothing_stored_is_an_empty_page(void **state)
{
    assert_pages(*state, 3, NULL, 0);
}

/* A file that is old by its own dates alone may have been named just now. */
static void the_age_counts_from_the_naming(void **state)
{
    struct home *home = *state;
    struct arena *arena = arena_new();
    struct storage_entry *entries = NULL;
    char path[512];
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    add(home, "a");
    assert_int_equal(utimensat(AT_FDCWD, path_of(home, "a", path), old, 0), 0);
    assert_int_equal(list(home, arena, "", 1, &entries), 1);
    assert_true(entries[0].age_ms > -1000 && entries[0].age_ms < 60000);
    arena_free(arena);
}

static void cleaning_drops_stale_temp_files_only(void **state)
{
    struct home *home = *state;
    struct answer answer = {0};
    char path[512];
    const struct timespec old[2] = {{.tv_sec = time(NULL) - 4000}, {.tv_sec = time(NULL) - 4000}};
    add(home, "kept");
    assert_int_equal(utimensat(AT_FDCWD, path_of(home, "kept", path), old, 0), 0);
    close(open(path_of(home, ".tmp/fresh", path), O_CREAT | O_WRONLY, 0600));
    close(open(path_of(home, ".tmp/stale", path), O_CREAT | O_WRONLY, 0600));
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    storage_clean(home->storage, on_done, &answer);
    assert_int_equal(result(home, &answer), ERR_NONE);
    assert_true(exists(home, ".tmp/fresh"));
    assert_false(exists(home, ".tmp/stale"));
    assert_true(exists(home, "kept"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_come_in_the_order_of_their_bytes_in_pages_of_any_size, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_page_begins_after_any_name_also_one_that_is_gone, start, stop),
        cmocka_unit_test_setup_teardown(a_folder_larger_than_a_page_is_listed_whole, start, stop),
        cmocka_unit_test_setup_teardown(files_may_come_and_go_meanwhile, start, stop),
        cmocka_unit_test_setup_teardown(empty_folders_do_not_end_a_page, start, stop),
        cmocka_unit_test_setup_teardown(only_stored_files_are_listed, start, stop),
        cmocka_unit_test_setup_teardown(nothing_stored_is_an_empty_page, start, stop),
        cmocka_unit_test_setup_teardown(the_age_counts_from_the_naming, start, stop),
        cmocka_unit_test_setup_teardown(cleaning_drops_stale_temp_files_only, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
