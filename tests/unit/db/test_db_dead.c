// SPDX-License-Identifier: Apache-2.0
/* Dead letters, and what operators set. */
#include "common/db/db_dead.h"

#include "common/db/db_control.h"
#include "tests/unit/db/work.h"

static enum err_code list(struct home *home, const struct db_dead_page *page, struct db_dead **out,
                          size_t *count)
{
    struct await await = {0};
    db_dead_list(home->db, home->arena, page, out, count, await_done, &await);
    return answer_of(home, &await);
}

static size_t matching(struct home *home, const struct db_dead_filter *filter)
{
    struct db_dead *letters = NULL;
    size_t count = 0;
    const struct db_dead_page page = {.filter = *filter, .limit = 1000};
    assert_int_equal(list(home, &page, &letters, &count), ERR_NONE);
    return count;
}

static size_t retry(struct home *home, const struct db_dead_filter *filter, struct db_dead_retried *out,
                    size_t *count)
{
    struct await await = {0};
    size_t taken = SIZE_MAX;
    db_dead_retry(home->db, filter, out, count, &taken, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    return taken;
}

static size_t drop(struct home *home, const struct db_dead_filter *filter)
{
    struct await await = {0};
    size_t dropped = SIZE_MAX;
    db_dead_drop(home->db, filter, &dropped, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    return dropped;
}

static void note(struct home *home, const char *job)
{
    struct await await = {0};
    db_dead_note(home->db, job, "unknown_job", "it can not be read", await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
}

static int64_t letters_now(struct home *home)
{
    struct await await = {0};
    int64_t count = -1;
    db_dead_count(home->db, &count, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    return count;
}

/* An image that crashed its codecs until it was given up on. */
static int64_t buried_image(struct home *home)
{
    struct db_image_work work;
    struct db_image image = make_image(home, NULL);
    struct job job = {
        .image = image.id, .generation = 1, .attempt = 2, .crashes = 3, .enqueued_at_ms = 1790000000123};
    struct db_image_failure failure = {
        .job = &job, .fence = FENCE, .code = ERR_CODEC_CRASHED, .sentence = "signal 11", .is_buried = true};
    assert_true(begin(home, image.id, 1, &work));
    assert_true(fail_as(home, &failure));
    return image.id;
}

static int start_without_letters(void **state)
{
    struct home *home = *state;
    sql(home, "DELETE FROM dead_letter");
    return home_start(state);
}

static void a_burial_fails_the_row_and_writes_a_letter(void **state)
{
    struct home *home = *state;
    struct db_dead *letters = NULL;
    size_t count = 0;
    const struct db_dead_page page = {.limit = 10};
    int64_t id = buried_image(home);
    assert_string_equal(now(home, id).status, "failed");
    assert_int_equal(now(home, id).error, ERR_CODEC_CRASHED);
    assert_int_equal(list(home, &page, &letters, &count), ERR_NONE);
    assert_int_equal(count, 1);
    assert_string_equal(letters[0].job, arena_format(home->arena, "%lld.1", (long long)id));
    assert_int_equal(letters[0].image, id);
    assert_int_equal(letters[0].generation, 1);
    assert_string_equal(letters[0].reason, "codec_crashed");
    assert_string_equal(letters[0].sentence, "signal 11");
    assert_int_equal(letters[0].attempts, 2);
    assert_int_equal(letters[0].crashes, 3);
    assert_string_equal(letters[0].enqueued_at, "2026-09-21T14:13:20.123000Z");
    assert_non_null(letters[0].buried_at);
    assert_int_equal(letters_now(home), 1);
}

static void a_failure_that_is_no_burial_writes_none(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    assert_true(failed(home, image.id, 1));
    assert_int_equal(letters_now(home), 0);
}

static void a_burial_under_a_stale_fence_writes_none(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct db_image image = make_image(home, NULL);
    struct job job = {.image = image.id, .generation = 1};
    struct db_image_failure failure = {
        .job = &job, .fence = 5, .code = ERR_CODEC_CRASHED, .sentence = "late", .is_buried = true};
    assert_true(begin_fenced(home, image.id, 1, 5, &work));
    assert_true(begin_fenced(home, image.id, 1, 6, &work));
    assert_false(fail_as(home, &failure));
    assert_string_equal(now(home, image.id).status, "processing");
    assert_int_equal(letters_now(home), 0);
    failure.fence = 6;
    assert_true(fail_as(home, &failure));
    assert_int_equal(letters_now(home), 1);
}

static void a_job_of_which_only_the_name_is_known_is_noted_once(void **state)
{
    struct home *home = *state;
    struct db_dead *letters = NULL;
    size_t count = 0;
    const struct db_dead_page page = {.limit = 10};
    note(home, "77.1");
    note(home, "77.1");
    assert_int_equal(list(home, &page, &letters, &count), ERR_NONE);
    assert_int_equal(count, 1);
    assert_string_equal(letters[0].job, "77.1");
    assert_int_equal(letters[0].image, 0);
    assert_int_equal(letters[0].generation, 0);
    assert_null(letters[0].enqueued_at);
    /* there is no image to be made again */
    struct db_dead_retried out[DB_DEAD_PORTION];
    const struct db_dead_filter all = {0};
    assert_int_equal(retry(home, &all, out, &count), 1);
    assert_int_equal(count, 0);
    assert_int_equal(letters_now(home), 0);
}

static void letters_are_filtered(void **state)
{
    struct home *home = *state;
    int64_t id = buried_image(home);
    note(home, "a");
    note(home, "b");
    sql(home, "UPDATE dead_letter SET buried_at = '2026-01-01T00:00:00Z' WHERE job = 'a'");
    int64_t letter_of_b = sql(home, "SELECT id FROM dead_letter WHERE job = 'b'");
    const int64_t ids[] = {letter_of_b, 1 << 30};
    static const char mid[] = "2026-06-01T02:00:00+02:00";
    const struct {
        struct db_dead_filter filter;
        size_t count;
    } cases[] = {
        {{0}, 3},
        {{.reason = "unknown_job"}, 2},
        {{.reason = "codec_crashed"}, 1},
        {{.reason = "' OR true --"}, 0},
        {{.buried_before = mid}, 1},
        {{.buried_after = mid}, 2},
        {{.buried_after = mid, .reason = "unknown_job"}, 1},
        {{.ids = ids, .id_count = 2}, 1},
        {{.ids = ids, .id_count = 2, .reason = "codec_crashed"}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(matching(home, &cases[i].filter), cases[i].count);
    }
    for (size_t i = sizeof cases / sizeof cases[0]; i-- > 1;) {
        size_t before = matching(home, &(struct db_dead_filter){0});
        size_t match = matching(home, &cases[i].filter);
        assert_int_equal(drop(home, &cases[i].filter), match);
        assert_int_equal(drop(home, &cases[i].filter), 0);
        assert_int_equal(letters_now(home), before - match);
    }
    assert_int_equal(letters_now(home), 0);
    assert_string_equal(now(home, id).status, "failed");
}

static void a_time_that_is_none_is_invalid(void **state)
{
    struct home *home = *state;
    struct await dropping = {0};
    struct db_dead *letters = NULL;
    size_t count = 0;
    const struct db_dead_page page = {.filter = {.buried_before = "2026-13-01T00:00:00Z"}, .limit = 10};
    const struct db_dead_filter after = {.buried_after = "soon"};
    note(home, "a");
    assert_int_equal(list(home, &page, &letters, &count), ERR_INVALID);
    db_dead_drop(home->db, &after, &count, await_done, &dropping);
    assert_int_equal(answer_of(home, &dropping), ERR_INVALID);
    assert_int_equal(letters_now(home), 1);
}

static void pages_go_forward_and_back_by_id(void **state)
{
    enum { LETTERS = 7 };
    struct home *home = *state;
    struct db_dead *letters = NULL;
    size_t count = 0;
    for (int i = 0; i < LETTERS; i++) {
        note(home, arena_format(home->arena, "%d", i));
    }
    struct db_dead_page page = {.limit = 3};
    assert_int_equal(list(home, &page, &letters, &count), ERR_NONE);
    assert_int_equal(count, 3);
    assert_string_equal(letters[0].job, "0");
    page.place = letters[2].id;
    assert_int_equal(list(home, &page, &letters, &count), ERR_NONE);
    assert_int_equal(count, 3);
    assert_string_equal(letters[0].job, "3");
    assert_string_equal(letters[2].job, "5");
    page.place = letters[2].id;
    page.is_backward = true;
    assert_int_equal(list(home, &page, &letters, &count), ERR_NONE);
    assert_int_equal(count, 3);
    assert_string_equal(letters[0].job, "2");
    assert_string_equal(letters[2].job, "4");
    page.place = 0; /* the last page */
    assert_int_equal(list(home, &page, &letters, &count), ERR_NONE);
    assert_string_equal(letters[0].job, "4");
    assert_string_equal(letters[2].job, "6");
}

static void a_retry_makes_failed_images_pending_of_the_next_generation(void **state)
{
    struct home *home = *state;
    struct db_dead_retried out[DB_DEAD_PORTION];
    size_t count = 0;
    int64_t first = buried_image(home);
    int64_t second = buried_image(home);
    int64_t third = buried_image(home);
    sql(home, arena_format(home->arena, "UPDATE image SET class = 2 WHERE id = %lld", (long long)second));
    /* somebody asked for it already, without its letter */
    ask_anew(home, third);
    const struct db_dead_filter crashed = {.reason = "codec_crashed"};
    assert_int_equal(retry(home, &crashed, out, &count), 3);
    assert_int_equal(count, 2);
    assert_int_equal(out[0].image, first);
    assert_int_equal(out[0].generation, 2);
    assert_int_equal(out[0].class, JOB_NORMAL);
    assert_int_equal(out[0].key, 0);
    assert_int_equal(out[1].image, second);
    assert_int_equal(out[1].class, JOB_LOW);
    for (int i = 0; i < 2; i++) {
        struct db_image image = now(home, out[i].image);
        assert_string_equal(image.status, "pending");
        assert_int_equal(image.generation, 2);
        assert_int_equal(image.error, ERR_NONE);
    }
    assert_int_equal(now(home, third).generation, 2);
    assert_int_equal(letters_now(home), 0);
    assert_int_equal(retry(home, &crashed, out, &count), 0);
    assert_int_equal(count, 0);
}

static void a_retry_takes_a_portion(void **state)
{
    struct home *home = *state;
    struct db_dead_retried out[DB_DEAD_PORTION];
    size_t count = 0;
    size_t taken = 0;
    const struct db_dead_filter all = {0};
    sql(home, arena_format(home->arena,
                           "INSERT INTO dead_letter (job, reason, sentence) SELECT 'x' || n, 'internal', '' "
                           "FROM generate_series(1, %d) n",
                           DB_DEAD_PORTION + 20));
    assert_int_equal(retry(home, &all, out, &count), DB_DEAD_PORTION);
    assert_int_equal(taken = retry(home, &all, out, &count), 20);
    assert_int_equal(retry(home, &all, out, &count), 0);
}

static void a_refinement_that_was_given_up_on_is_owed_again_by_a_retry(void **state)
{
    struct home *home = *state;
    struct db_image_work work;
    struct made made;
    struct await await = {0};
    bool is_current = false;
    struct db_dead_retried out[DB_DEAD_PORTION];
    size_t count = 0;
    struct db_image image = make_image(home, NULL);
    assert_true(begin(home, image.id, 1, &work));
    make_result(home, &made, image.id, 1);
    made.result.to_refine = true;
    assert_true(ready(home, &made.result));
    struct job job = {.type = JOB_REFINE, .image = image.id, .generation = 1, .crashes = 3};
    const struct db_image_failure failure = {
        .job = &job, .code = ERR_CODEC_CRASHED, .sentence = "signal 9", .is_buried = true};
    db_image_unrefined(home->db, &failure, &is_current, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    assert_true(is_current);
    assert_string_equal(now(home, image.id).status, "ready");
    assert_false(now(home, image.id).to_refine);
    assert_int_equal(now(home, image.id).variant_count, VARIANTS);
    const struct db_dead_filter all = {0};
    assert_int_equal(matching(home, &all), 1);
    assert_int_equal(retry(home, &all, out, &count), 1);
    assert_int_equal(count, 0);
    assert_true(now(home, image.id).to_refine);
    assert_int_equal(now(home, image.id).generation, 1);
}

static void letters_go_with_their_image(void **state)
{
    struct home *home = *state;
    int64_t id = buried_image(home);
    sql(home, arena_format(home->arena, "DELETE FROM image WHERE id = %lld", (long long)id));
    assert_int_equal(letters_now(home), 0);
}

static void a_pause_is_remembered(void **state)
{
    struct home *home = *state;
    struct db_control control = {.is_paused = true};
    static const bool wanted[] = {false, true, true, false};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct await setting = {0};
        struct await getting = {0};
        if (i > 0) {
            db_control_set_paused(home->db, wanted[i], await_done, &setting);
            assert_int_equal(answer_of(home, &setting), ERR_NONE);
        }
        control.is_paused = !wanted[i];
        db_control_get(home->db, &control, await_done, &getting);
        assert_int_equal(answer_of(home, &getting), ERR_NONE);
        assert_int_equal(control.is_paused, wanted[i]);
    }
    assert_int_equal(sql(home, "SELECT count(*) FROM control"), 1);
}

#define DEAD_TEST(fn) cmocka_unit_test_setup_teardown(fn, start_without_letters, home_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEAD_TEST(a_burial_fails_the_row_and_writes_a_letter),
        DEAD_TEST(a_failure_that_is_no_burial_writes_none),
        DEAD_TEST(a_burial_under_a_stale_fence_writes_none),
        DEAD_TEST(a_job_of_which_only_the_name_is_known_is_noted_once),
        DEAD_TEST(letters_are_filtered),
        DEAD_TEST(a_time_that_is_none_is_invalid),
        DEAD_TEST(pages_go_forward_and_back_by_id),
        DEAD_TEST(a_retry_makes_failed_images_pending_of_the_next_generation),
        DEAD_TEST(a_retry_takes_a_portion),
        DEAD_TEST(a_refinement_that_was_given_up_on_is_owed_again_by_a_retry),
        DEAD_TEST(letters_go_with_their_image),
        DEAD_TEST(a_pause_is_remembered),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
