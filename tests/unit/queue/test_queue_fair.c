// SPDX-License-Identifier: Apache-2.0
/* Who comes next when there is more than can be done; and tokens that never come again. */
#include "tests/unit/queue/queue_world.h"

enum { CLAIMS = 400, WINDOW = 10, TENTH = 10 };

/* Keeps `count` jobs of a class ready. */
static void keep_ready(struct world *world, enum job_class class, int64_t count, int64_t *image)
{
    for (int64_t ready = stats(world).ready[class]; ready < count; ready++) {
        (*image)++;
        push(world, *image, class, *image % 3, 0);
    }
}

static void test_low_has_a_tenth_and_high_most_while_all_wait(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[QUEUE_TAKE_MAX];
    enum job_class order[CLAIMS + QUEUE_TAKE_MAX];
    int64_t image = 0;
    size_t claims = 0;
    for (size_t most = 1; claims < CLAIMS; most = most % 7 + 1) {
        for (int class = JOB_HIGH; class <= JOB_LOW; class ++) {
            keep_ready(world, (enum job_class) class, WINDOW, &image);
        }
        size_t count = take(world, most, LONG_MS, taken);
        assert_int_equal(count, most);
        for (size_t i = 0; i < count; i++) {
            order[claims++] = taken[i].job.class;
        }
    }
    for (size_t i = 0; i + WINDOW <= CLAIMS; i++) {
        int seen[3] = {0};
        for (size_t j = 0; j < WINDOW; j++) {
            seen[order[i + j]]++;
        }
        assert_in_range(seen[JOB_LOW], 1, 2);
        assert_in_range(seen[JOB_NORMAL], 1, 4);
        assert_in_range(seen[JOB_HIGH], 6, 8);
    }
}

static void test_retries_are_no_way_past_the_turn_of_low(void **state)
{
    struct world *world = *state;
    struct queue_taken taken;
    int64_t image = 0;
    int low = 0;
    keep_ready(world, JOB_LOW, (int64_t)2 * WINDOW, &image);
    for (int i = 0; i < 10 * WINDOW; i++) {
        keep_ready(world, JOB_HIGH, 2, &image);
        assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
        if (taken.job.class == JOB_LOW) {
            low++;
            finish(world, &taken.lease, 1);
        } else {
            /* a job that fails again and again, at once, is no way past the turn of low */
            assert_true(retry(world, &taken.lease, &taken.job, 0));
        }
    }
    assert_int_equal(low, 10);
}

/* Takes one by one and says after how many the first of this uploader's images came. */
static int claims_until(struct world *world, int64_t least_image)
{
    struct queue_taken taken;
    for (int claims = 1;; claims++) {
        assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
        if (taken.job.image >= least_image) {
            return claims;
        }
    }
}

static void test_jobs_that_get_due_join_the_line_of_their_uploader(void **state)
{
    struct world *world = *state;
    for (int64_t i = 1; i <= 50; i++) {
        push(world, i, JOB_HIGH, 1, LONG_MS);
    }
    push(world, 1000, JOB_HIGH, 2, 0);
    push(world, 2000, JOB_HIGH, 3, 0);
    raw_do(world, "ZUNIONSTORE {p}:delayed 1 {p}:delayed WEIGHTS 0");
    assert_in_range(claims_until(world, 2000), 1, 3);
    /* and a new one does not wait for the fifty either */
    push(world, 3000, JOB_HIGH, 4, 0);
    assert_in_range(claims_until(world, 3000), 1, 2);
}

static void test_leases_that_ran_out_do_not_hold_up_others(void **state)
{
    struct world *world = *state;
    struct queue_taken taken[QUEUE_TAKE_MAX];
    for (int64_t i = 1; i <= QUEUE_TAKE_MAX; i++) {
        push(world, i, JOB_HIGH, 1, 0);
    }
    assert_int_equal(take(world, QUEUE_TAKE_MAX, LONG_MS, taken), QUEUE_TAKE_MAX);
    push(world, 1000, JOB_HIGH, 2, 0);
    raw_do(world, "ZUNIONSTORE {p}:leases 1 {p}:leases WEIGHTS 0");
    assert_in_range(claims_until(world, 1000), 1, 2);
    push(world, 2000, JOB_HIGH, 3, 0);
    assert_in_range(claims_until(world, 2000), 1, 2);
}

static void test_a_crowd_takes_turns_with_a_bulk_upload(void **state)
{
    enum { UPLOADERS = 40, BULK = 200 };
    struct world *world = *state;
    struct queue_taken taken;
    for (int64_t i = 1; i <= BULK; i++) {
        push(world, i, JOB_HIGH, 1, 0);
    }
    for (int64_t i = 0; i < UPLOADERS; i++) {
        push(world, 1000 + i, JOB_HIGH, 10 + i, 0);
    }
    int bulk = 0;
    for (int i = 0; i <= UPLOADERS; i++) {
        assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
        bulk += taken.job.image <= BULK;
    }
    assert_int_equal(bulk, 1);
}

static void test_a_token_is_not_given_again_after_an_old_file_was_restored(void **state)
{
    struct world *world = *state;
    struct queue_taken before[TENTH];
    struct queue_taken after;
    push(world, 1, JOB_HIGH, 1, 0);
    assert_int_equal(take(world, 1, LONG_MS, before), 1);
    raw_do(world, "SAVE");
    for (int64_t i = 1; i < TENTH; i++) {
        push(world, 1 + i, JOB_HIGH, 1, 0);
        assert_int_equal(take(world, 1, LONG_MS, &before[i]), 1);
    }
    restart_redis(world);
    expect_stats(world, (int64_t[]){0, 0, 0, 0, 1}); /* it knows of the first alone */
    for (int64_t i = 0; i < TENTH; i++) {
        push(world, 100 + i, JOB_HIGH, 1, 0);
        assert_int_equal(take(world, 1, LONG_MS, &after), 1);
        for (int64_t j = 0; j < TENTH; j++) {
            assert_true(after.lease.fence > before[j].lease.fence);
        }
    }
}

static void test_a_token_only_grows_whatever_is_stored(void **state)
{
    static const char *const spoiled[] = {"SET {p}:fence 1", "SET {p}:fence x", "DEL {p}:fence",
                                          "SET {p}:turn x", "SET {p}:turn 7777777"};
    struct world *world = *state;
    struct queue_taken taken;
    uint64_t last = 0;
    for (size_t i = 0; i < sizeof spoiled / sizeof *spoiled; i++) {
        raw_do(world, spoiled[i]);
        push(world, 1, JOB_HIGH, 1, 0);
        assert_int_equal(take(world, 1, LONG_MS, &taken), 1);
        assert_true(taken.lease.fence > last);
        last = taken.lease.fence;
        finish(world, &taken.lease, 1);
    }
    /* a clock that was set back: on from the last one */
    raw_do(world, "SET {p}:fence 4000000000000000");
    push(world, 1, JOB_HIGH, 1, 0);
    push(world, 2, JOB_HIGH, 1, 0);
    struct queue_taken two[2];
    assert_int_equal(take(world, 2, LONG_MS, two), 2);
    assert_int_equal(two[0].lease.fence, 4000000000000001);
    assert_int_equal(two[1].lease.fence, 4000000000000002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_low_has_a_tenth_and_high_most_while_all_wait, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_retries_are_no_way_past_the_turn_of_low, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_jobs_that_get_due_join_the_line_of_their_uploader, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_leases_that_ran_out_do_not_hold_up_others, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_crowd_takes_turns_with_a_bulk_upload, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_a_token_is_not_given_again_after_an_old_file_was_restored,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_token_only_grows_whatever_is_stored, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
