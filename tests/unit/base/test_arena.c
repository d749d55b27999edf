// SPDX-License-Identifier: Apache-2.0
#include "common/base/arena.h"

#include <stdalign.h>
#include <stdint.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void pieces_are_aligned_zeroed_and_apart(void **state)
{
    enum { PIECES = 500 };
    struct arena *arena = arena_new();
    unsigned char *pieces[PIECES];
    (void)state;
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = arena_alloc(arena, i);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(pieces[i][j], 0);
        }
        memset(pieces[i], (int)(i % 251) + 1, i);
    }
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(pieces[i][j], i % 251 + 1);
        }
    }
    arena_free(arena);
}

static void large_pieces_leave_small_ones_their_block(void **state)
{
    struct arena *arena = arena_new();
    (void)state;
    char *small = arena_string(arena, "small");
    char *large = arena_alloc(arena, 1 << 20);
    memset(large, 'x', 1 << 20);
    char *next = arena_string(arena, "next");
    assert_string_equal(small, "small");
    assert_string_equal(next, "next");
    arena_free(arena);
    arena_free(NULL);
}

static void strings_are_copied(void **state)
{
    struct arena *arena = arena_new();
    char text[] = "text";
    (void)state;
    char *copy = arena_string(arena, text);
    char *part = arena_copy(arena, text, 2);
    text[0] = 'n';
    assert_string_equal(copy, "text");
    assert_string_equal(part, "te");
    assert_string_equal(arena_copy(arena, NULL, 0), "");
    assert_null(arena_string(arena, NULL));
    assert_string_equal(arena_format(arena, "%s-%05d", text, 42), "next-00042");
    assert_string_equal(arena_format(arena, "%*s", 3000, "x") + 2999, "x");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_zeroed_and_apart),
        cmocka_unit_test(large_pieces_leave_small_ones_their_block),
        cmocka_unit_test(strings_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
