// SPDX-License-Identifier: Apache-2.0
#include "worker/metrics.h"

#include "common/base/buf.h"
#include "common/net/loop.h"
#include "worker/breaker.h"
#include "worker/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_BYTES = 1 << 20 };

struct world {
    struct parts parts;
    int closed;
};

static void do_nothing(void *owner)
{
    (void)owner;
}

static void check(void *subject, done_fn done, void *owner)
{
    (void)subject;
    (void)done;
    (void)owner;
    fail();
}

static void on_closed(void *owner)
{
    struct world *world = owner;
    world->closed++;
}

static void open_world(struct world *world)
{
    static const struct breaker_options breaker = {.name = "x", .check = check, .changed = do_nothing};
    static const struct codec_pool_options pool = {
        .child = {.path = "/nonexistent", .log_level = "info", .ready_ms = 1000, .job_timeout_ms = 1000},
        .codecs = 1,
        .codec_images = 1,
        .memory_budget = 1000};
    *world = (struct world){.closed = 0};
    world->parts.loop = loop_new(NULL);
    world->parts.database_breaker = breaker_open(world->parts.loop, &breaker);
    world->parts.storage_breaker = breaker_open(world->parts.loop, &breaker);
    world->parts.codecs = codec_pool_open(world->parts.loop, &pool, do_nothing, NULL);
    world->parts.metrics = worker_metrics_new(world->parts.loop);
}

static void close_world(struct world *world)
{
    worker_metrics_stop(world->parts.metrics);
    codec_pool_close(world->parts.codecs, on_closed, world);
    breaker_close(world->parts.database_breaker, on_closed, world);
    breaker_close(world->parts.storage_breaker, on_closed, world);
    loop_run(world->parts.loop);
    assert_int_equal(world->closed, 3);
    worker_metrics_free(world->parts.metrics);
    loop_free(world->parts.loop);
}

static void assert_line(const struct world *world, const char *line)
{
    struct dispatcher_status status = {.in_hand = 3, .taken = 17, .is_paused = true};
    struct buf text;
    char whole[256];
    buf_init(&text, MOST_BYTES);
    assert_int_equal(worker_metrics_write(world->parts.metrics, &world->parts, &status, &text), 0);
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (strstr(text.data, whole) == NULL) {
        fail_msg("no line '%s' in\n%s", line, text.data);
    }
    buf_release(&text);
}

static void results_are_counted_by_their_words(void **state)
{
    struct world world;
    (void)state;
    open_world(&world);
    worker_metrics_job(world.parts.metrics, WORKER_DONE, ERR_NONE);
    worker_metrics_job(world.parts.metrics, WORKER_DONE, ERR_NONE);
    worker_metrics_job(world.parts.metrics, WORKER_NOT_OWED, ERR_NONE);
    worker_metrics_job(world.parts.metrics, WORKER_DONE, ERR_CORRUPT_IMAGE);
    /* two codes of one word have one line */
    worker_metrics_job(world.parts.metrics, WORKER_DONE, ERR_BODY_TOO_LARGE);
    worker_metrics_job(world.parts.metrics, WORKER_DONE, ERR_FILE_TOO_LARGE);
    assert_line(&world, "pixmill_jobs_total{result=\"ok\"} 2");
    assert_line(&world, "pixmill_jobs_total{result=\"not_owed\"} 1");
    assert_line(&world, "pixmill_jobs_total{result=\"corrupt_image\"} 1");
    assert_line(&world, "pixmill_jobs_total{result=\"file_too_large\"} 2");
    close_world(&world);
}

static void states_are_looked_up_when_they_are_read(void **state)
{
    struct world world;
    (void)state;
    open_world(&world);
    assert_line(&world, "pixmill_jobs_in_hand 3");
    assert_line(&world, "pixmill_jobs_taken_total 17");
    assert_line(&world, "pixmill_worker_paused 1");
    assert_line(&world, "pixmill_codecs 0");
    assert_line(&world, "pixmill_codec_memory_budget_bytes 1000");
    assert_line(&world, "pixmill_breaker_open{dependency=\"database\"} 0");
    close_world(&world);
}

static void a_codec_is_not_believed_to_have_taken_days(void **state)
{
    struct world world;
    (void)state;
    open_world(&world);
    worker_metrics_told_us(world.parts.metrics->decode, INT64_MAX);
    worker_metrics_told_us(world.parts.metrics->decode, -5);
    assert_line(&world, "pixmill_stage_seconds_sum{stage=\"decode\"} 3600.000000");
    assert_line(&world, "pixmill_stage_seconds_count{stage=\"decode\"} 2");
    close_world(&world);
}

static void names_of_variants_are_bounded(void **state)
{
    struct world world;
    char name[PROFILE_NAME_BYTES];
    (void)state;
    open_world(&world);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "v%d", i);
        worker_metrics_variant(world.parts.metrics, name, 1000000);
        worker_metrics_variant(world.parts.metrics, "v0", 1000000);
    }
    assert_line(&world, "pixmill_encode_seconds_count{variant=\"v0\"} 501");
    assert_line(&world, "pixmill_encode_seconds_sum{variant=\"v31\"} 1.000000");
    struct buf text;
    struct dispatcher_status status = {.in_hand = 0};
    buf_init(&text, MOST_BYTES);
    assert_int_equal(worker_metrics_write(world.parts.metrics, &world.parts, &status, &text), 0);
    assert_null(strstr(text.data, "variant=\"v32\""));
    buf_release(&text);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_counted_by_their_words),
        cmocka_unit_test(states_are_looked_up_when_they_are_read),
        cmocka_unit_test(a_codec_is_not_believed_to_have_taken_days),
        cmocka_unit_test(names_of_variants_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
