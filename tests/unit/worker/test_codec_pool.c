// SPDX-License-Identifier: Apache-2.0
/*
 * Real processes as codecs: this program runs itself again under a name that says how the codec shall behave, since a
 * codec gets no environment and no argument of ours.
 */
#include "worker/codec_pool.h"

#include "common/base/buf.h"
#include "common/base/metric.h"
#include "common/net/loop.h"
#include "tests/support/await.h"
#include "tests/unit/worker/fake_codec.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

enum { SHORT_MS = 300, LONG_MS = 60000 };

struct fixture {
    struct loop *loop;
    struct codec_pool *pool;
    char folder[64];
    char path[128];
    int changes;
    int closed;
    int input_fd;
    int64_t memory_bytes; /* of the images that are submitted */
    int clock;
};

struct image {
    struct codec_task task;
    int ends;
    int *clock; /* counts the ends of all images of a pool */
    int ended_at;
    int variants;
    struct err err;
    struct wire_done done;
    int fds[PROFILE_MAX_VARIANTS];
};

static void on_change(void *owner)
{
    struct fixture *fixture = owner;
    fixture->changes++;
}

static void open_pool(struct fixture *fixture, const char *behaviour, const struct codec_pool_options *like)
{
    char self[256] = {0};
    struct codec_pool_options options = *like;
    *fixture = (struct fixture){.folder = "/tmp/pixmill-test-XXXXXX"};
    assert_non_null(mkdtemp(fixture->folder));
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    snprintf(fixture->path, sizeof fixture->path, "%s/fake-%s", fixture->folder, behaviour);
    /* "missing" is what it says */
    assert_true(strcmp(behaviour, "missing") == 0 || symlink(self, fixture->path) == 0);
    fixture->loop = loop_new(NULL);
    assert_non_null(fixture->loop);
    fixture->input_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fixture->input_fd >= 0);
    options.child.path = fixture->path;
    options.child.memory_bytes = 1 << 30;
    options.child.is_caged = true;
    options.child.log_level = "info";
    fixture->pool = codec_pool_open(fixture->loop, &options, on_change, fixture);
}

/* So many codecs, and deadlines that no test reaches. */
static struct codec_pool_options patient(size_t codecs)
{
    return (struct codec_pool_options){.child = {.ready_ms = LONG_MS, .job_timeout_ms = LONG_MS},
                                       .codecs = codecs,
                                       .codec_images = 100,
                                       .ceiling_bytes = INT64_MAX,
                                       .memory_budget = INT64_MAX};
}

static void close_pool(struct fixture *fixture)
{
    codec_pool_close(fixture->pool, await_count, &fixture->closed);
    loop_run(fixture->loop);
    assert_int_equal(fixture->closed, 1);
    loop_free(fixture->loop);
    close(fixture->input_fd);
    unlink(fixture->path);
    rmdir(fixture->folder);
}

static void on_variant(void *owner, const struct wire_variant *variant, int fd)
{
    struct image *image = owner;
    assert_int_equal(image->fds[variant->index], 0);
    image->fds[variant->index] = fd;
    image->variants++;
}

static void on_end(void *owner, const struct wire_done *done, const struct err *err)
{
    struct image *image = owner;
    image->ends++;
    image->ended_at = ++*image->clock;
    assert_true((done == NULL) == (err != NULL));
    if (done != NULL) {
        image->done = *done;
    }
    if (err != NULL) {
        image->err = *err;
    }
}

static void submit(struct fixture *fixture, struct image *image)
{
    *image = (struct image){.clock = &fixture->clock};
    image->task.input_fd = fixture->input_fd;
    image->task.job = (struct wire_job){.format = IMAGE_JPEG,
                                        .limits = {.max_side_px = 5000, .max_file_bytes = 5000000},
                                        .profile = *profile_default()};
    image->task.memory_bytes = fixture->memory_bytes;
    image->task.on_variant = on_variant;
    image->task.on_end = on_end;
    image->task.owner = image;
    codec_pool_submit(fixture->pool, &image->task);
    assert_int_equal(image->ends, 0);
}

static void release(struct image *image)
{
    for (size_t i = 0; i < PROFILE_MAX_VARIANTS; i++) {
        if (image->fds[i] > 0) {
            close(image->fds[i]);
        }
    }
}

/* One image in a pool of one codec that behaves so; the image's end is in *image. */
static void run_one(const char *behaviour, uint64_t job_timeout_ms, struct image *image)
{
    struct fixture fixture;
    struct codec_pool_options options = patient(1);
    options.child.job_timeout_ms = job_timeout_ms;
    open_pool(&fixture, behaviour, &options);
    submit(&fixture, image);
    assert_true(await_reached(fixture.loop, &image->ends, 1));
    assert_int_equal(image->ends, 1);
    release(image);
    close_pool(&fixture);
    assert_int_equal(image->ends, 1);
}

static void test_gives_variants_that_nobody_can_change(void **state)
{
    (void)state;
    struct image image;
    struct fixture fixture;
    struct codec_pool_options options = patient(1);
    open_pool(&fixture, "good", &options);
    submit(&fixture, &image);
    assert_true(await_reached(fixture.loop, &image.ends, 1));
    assert_int_equal(image.err.code, ERR_NONE);
    assert_int_equal(image.variants, profile_default()->count);
    assert_int_equal(image.done.width_px, 90);
    char text[8] = {0};
    assert_int_equal(pread(image.fds[0], text, 7, 0), 7);
    assert_string_equal(text, "variant");
    assert_true(pwrite(image.fds[0], "x", 1, 0) < 0);
    assert_true(ftruncate(image.fds[0], 0) < 0);
    assert_int_equal(codec_pool_deaths(fixture.pool), 0);
    release(&image);
    close_pool(&fixture);
}

static void test_hostile_frames_cost_the_image_one_attempt(void **state)
{
    (void)state;
    static const char *const behaviours[] = {
        "garbage",    "other_ticket", "twice",    "unasked", "large",    "long",   "short_file", "mapped",
        "incomplete", "blames_us",    "sends_fd", "floods",  "headless", "warped", "grows",      "skips"};
    for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++) {
        struct image image;
        run_one(behaviours[i], LONG_MS, &image);
        if (image.err.code != ERR_CODEC_CRASHED) {
            fail_msg("%s ended with %s", behaviours[i], err_word(image.err.code));
        }
    }
}

static void test_says_how_a_codec_died(void **state)
{
    (void)state;
    struct image image;
    run_one("crash", LONG_MS, &image);
    assert_int_equal(image.err.code, ERR_CODEC_CRASHED);
    assert_non_null(strstr(image.err.sentence, "signal 9"));
    run_one("deaf", LONG_MS, &image);
    assert_int_equal(image.err.code, ERR_CODEC_CRASHED);
    assert_non_null(strstr(image.err.sentence, "socket"));
    run_one("hang", SHORT_MS, &image);
    assert_int_equal(image.err.code, ERR_PROCESSING_TIMEOUT);
}

/* A pool of one codec that dies once, by one cause; its counters say which. */
static void expect_death(const char *behaviour, enum codec_death cause, bool has_image)
{
    struct fixture fixture;
    struct image image;
    struct metrics *metrics = metrics_new();
    struct codec_pool_options options = patient(1);
    struct buf text;
    char line[64];
    options.child.job_timeout_ms = SHORT_MS;
    for (int i = 0; i < CODEC_DEATH_COUNT; i++) {
        snprintf(line, sizeof line, "cause=\"%d\"", i);
        options.deaths[i] = metric_counter(metrics, "deaths_total", "Deaths.", line);
    }
    open_pool(&fixture, behaviour, &options);
    if (has_image) {
        submit(&fixture, &image);
        assert_true(await_reached(fixture.loop, &image.ends, 1));
        release(&image);
    } else {
        assert_true(await_reached(fixture.loop, &fixture.changes, 1));
    }
    close_pool(&fixture);
    buf_init(&text, 4096);
    assert_int_equal(metrics_write(metrics, &text), 0);
    for (int i = 0; i < CODEC_DEATH_COUNT; i++) {
        bool is_it = i == (int)cause;
        snprintf(line, sizeof line, "deaths_total{cause=\"%d\"} %d\n", i, is_it);
        /* one that dies at its start may have been started again */
        if (strstr(text.data, line) == NULL && (has_image || !is_it)) {
            fail_msg("%s: no line %s", behaviour, line);
        }
    }
    snprintf(line, sizeof line, "deaths_total{cause=\"%d\"} 0\n", (int)cause);
    assert_null(strstr(text.data, line));
    buf_release(&text);
    metrics_free(metrics);
}

static void test_counts_deaths_by_their_cause(void **state)
{
    (void)state;
    expect_death("missing", CODEC_DEATH_START, false);
    expect_death("never_starts", CODEC_DEATH_EXIT, false);
    expect_death("exits", CODEC_DEATH_EXIT, true);
    expect_death("crash", CODEC_DEATH_SIGNAL, true);
    expect_death("spent", CODEC_DEATH_LIMIT, true);
    expect_death("hang", CODEC_DEATH_DEADLINE, true);
    expect_death("garbage", CODEC_DEATH_FRAME, true);
    expect_death("floods", CODEC_DEATH_FRAME, true);
}

static void test_a_verdict_of_the_codec_is_no_death(void **state)
{
    (void)state;
    struct image images[3];
    struct fixture fixture;
    struct codec_pool_options options = patient(1);
    open_pool(&fixture, "corrupt", &options);
    for (int i = 0; i < 3; i++) {
        submit(&fixture, &images[i]);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(await_reached(fixture.loop, &images[i].ends, 1));
        assert_int_equal(images[i].err.code, ERR_CORRUPT_IMAGE);
        assert_string_equal(images[i].err.sentence, "not?nice");
    }
    assert_int_equal(codec_pool_deaths(fixture.pool), 0);
    close_pool(&fixture);
}

static void test_an_answer_before_the_death_counts(void **state)
{
    (void)state;
    struct image image;
    run_one("last_words", LONG_MS, &image);
    assert_int_equal(image.err.code, ERR_NONE);
    assert_int_equal(image.variants, profile_default()->count);
}

static void test_inherits_nothing_else(void **state)
{
    (void)state;
    struct image image;
    int leak = open("/dev/null", O_RDONLY); /* as hiredis opens its socket: without close-on-exec */
    assert_true(leak >= 0);
    run_one("nosy", LONG_MS, &image);
    close(leak);
    assert_int_equal(image.err.code, ERR_CORRUPT_IMAGE);
}

static void test_a_death_costs_only_its_own_image(void **state)
{
    (void)state;
    enum { IMAGES = 6 };
    struct image images[IMAGES];
    struct fixture fixture;
    struct codec_pool_options options = patient(2);
    open_pool(&fixture, "crash", &options);
    for (int i = 0; i < IMAGES; i++) {
        submit(&fixture, &images[i]);
    }
    for (int i = 0; i < IMAGES; i++) {
        assert_true(await_reached(fixture.loop, &images[i].ends, 1));
        assert_int_equal(images[i].err.code, ERR_CODEC_CRASHED);
    }
    assert_int_equal(codec_pool_deaths(fixture.pool), IMAGES);
    close_pool(&fixture);
}

static void test_replaces_a_codec_after_its_share(void **state)
{
    (void)state;
    enum { IMAGES = 5 };
    struct image images[IMAGES];
    struct fixture fixture;
    struct codec_pool_options options = patient(1);
    int pids[IMAGES];
    options.codec_images = 2;
    open_pool(&fixture, "good", &options);
    for (int i = 0; i < IMAGES; i++) {
        submit(&fixture, &images[i]);
        assert_true(await_reached(fixture.loop, &images[i].ends, 1));
        assert_int_equal(images[i].err.code, ERR_NONE);
        pids[i] = (int)images[i].done.decode_us;
        release(&images[i]);
    }
    assert_true(pids[0] == pids[1] && pids[1] != pids[2] && pids[2] == pids[3] && pids[3] != pids[4]);
    assert_int_equal(codec_pool_deaths(fixture.pool), 0);
    close_pool(&fixture);
}

static void test_replaces_a_codec_past_its_ceiling(void **state)
{
    (void)state;
    struct image images[2];
    struct fixture fixture;
    struct codec_pool_options options = patient(1);
    options.ceiling_bytes = 999; /* the codecs of this test have had 1000 */
    open_pool(&fixture, "good", &options);
    for (int i = 0; i < 2; i++) {
        submit(&fixture, &images[i]);
        assert_true(await_reached(fixture.loop, &images[i].ends, 1));
        assert_int_equal(images[i].err.code, ERR_NONE);
        release(&images[i]);
    }
    assert_true(images[0].done.decode_us != images[1].done.decode_us);
    assert_int_equal(codec_pool_deaths(fixture.pool), 0);
    close_pool(&fixture);
}

static bool are_both_ready(void *owner)
{
    struct fixture *fixture = owner;
    return codec_pool_free(fixture->pool) == 2;
}

static void test_images_wait_for_memory_in_their_order(void **state)
{
    (void)state;
    static const int64_t needs[] = {60, 60, 10, 1000, 10};
    enum { IMAGES = sizeof needs / sizeof needs[0] };
    struct image images[IMAGES];
    struct fixture fixture;
    struct codec_pool_options options = patient(2);
    options.memory_budget = 100;
    open_pool(&fixture, "good", &options);
    assert_true(await_until(fixture.loop, are_both_ready, &fixture));
    for (int i = 0; i < IMAGES; i++) {
        fixture.memory_bytes = needs[i];
        submit(&fixture, &images[i]);
    }
    /* a codec is free, and there would be room for the third; it is not its turn */
    assert_non_null(images[0].task.child);
    assert_null(images[1].task.child);
    assert_null(images[2].task.child);
    assert_int_equal(codec_pool_free(fixture.pool), 0);
    for (int i = 0; i < IMAGES; i++) {
        assert_true(await_reached(fixture.loop, &images[i].ends, 1));
        assert_int_equal(images[i].err.code, ERR_NONE);
        release(&images[i]);
    }
    /* one that is larger than the budget was alone: all before it had ended, and none after it */
    assert_int_equal(images[0].ended_at, 1);
    assert_int_equal(images[3].ended_at, 4);
    assert_int_equal(images[4].ended_at, 5);
    assert_true(await_until(fixture.loop, are_both_ready, &fixture));
    close_pool(&fixture);
}

static void test_memory_comes_back_from_the_dead(void **state)
{
    (void)state;
    enum { IMAGES = 4 };
    struct image images[IMAGES];
    struct fixture fixture;
    struct codec_pool_options options = patient(2);
    options.memory_budget = 100;
    open_pool(&fixture, "crash", &options);
    fixture.memory_bytes = 100;
    for (int i = 0; i < IMAGES; i++) {
        submit(&fixture, &images[i]);
    }
    for (int i = 0; i < IMAGES; i++) {
        assert_true(await_reached(fixture.loop, &images[i].ends, 1));
        assert_int_equal(images[i].err.code, ERR_CODEC_CRASHED);
    }
    close_pool(&fixture);
}

static bool is_broken(void *owner)
{
    struct fixture *fixture = owner;
    return codec_pool_is_broken(fixture->pool);
}

static void test_no_storm_where_the_program_can_not_start(void **state)
{
    (void)state;
    static const char *const behaviours[] = {"never_starts", "never_ready", "missing"};
    for (size_t i = 0; i < 3; i++) {
        struct fixture fixture;
        struct codec_pool_options options = patient(2);
        options.child.ready_ms = SHORT_MS;
        open_pool(&fixture, behaviours[i], &options);
        assert_int_equal(codec_pool_live(fixture.pool), 0);
        assert_true(await_until(fixture.loop, is_broken, &fixture));
        assert_int_equal(codec_pool_live(fixture.pool), 0);
        /* two failed starts of each, and hardly more: the third waits for its back-off */
        assert_in_range(codec_pool_deaths(fixture.pool), 4, 12);
        close_pool(&fixture);
    }
}

static void test_cancel_ends_waiting_and_running_images(void **state)
{
    (void)state;
    struct image running;
    struct image waiting;
    struct fixture fixture;
    struct codec_pool_options options = patient(1);
    open_pool(&fixture, "hang", &options);
    submit(&fixture, &running);
    submit(&fixture, &waiting);
    while (running.task.child == NULL) {
        assert_true(await_reached(fixture.loop, &fixture.changes, fixture.changes + 1));
    }
    codec_pool_cancel(fixture.pool, &waiting.task);
    codec_pool_cancel(fixture.pool, &running.task);
    assert_int_equal(running.ends + waiting.ends, 0);
    assert_true(await_reached(fixture.loop, &running.ends, 1));
    assert_true(await_reached(fixture.loop, &waiting.ends, 1));
    assert_int_equal(running.err.code, ERR_CANCELLED);
    assert_int_equal(waiting.err.code, ERR_CANCELLED);
    close_pool(&fixture);
    assert_int_equal(running.ends, 1);
    assert_int_equal(waiting.ends, 1);
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/');
    if (name != NULL && strncmp(name, "/fake-", 6) == 0) {
        return fake_main(name + 6);
    }
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_variants_that_nobody_can_change),
        cmocka_unit_test(test_hostile_frames_cost_the_image_one_attempt),
        cmocka_unit_test(test_says_how_a_codec_died),
        cmocka_unit_test(test_counts_deaths_by_their_cause),
        cmocka_unit_test(test_a_verdict_of_the_codec_is_no_death),
        cmocka_unit_test(test_an_answer_before_the_death_counts),
        cmocka_unit_test(test_inherits_nothing_else),
        cmocka_unit_test(test_a_death_costs_only_its_own_image),
        cmocka_unit_test(test_replaces_a_codec_after_its_share),
        cmocka_unit_test(test_replaces_a_codec_past_its_ceiling),
        cmocka_unit_test(test_images_wait_for_memory_in_their_order),
        cmocka_unit_test(test_memory_comes_back_from_the_dead),
        cmocka_unit_test(test_no_storm_where_the_program_can_not_start),
        cmocka_unit_test(test_cancel_ends_waiting_and_running_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
