// SPDX-License-Identifier: Apache-2.0
/*
 * unit_queue_test_queue_model [FIRST_SEED [SEEDS]]: long random sequences of all verbs, with leases that run out and delays that
 * end at any time, against the model. Every answer, every count and every order has to be the model's; at the end all is
 * finished, each job once, and Redis holds a few small keys.
 */
#include "tests/unit/queue/queue_model.h"
#include "tests/unit/queue/queue_world.h"

enum { SEEDS = 20, VERBS = 600, HANDLES = 48, MOST_AT_ONCE = 5, LOOK_EVERY = 20 };

/* A lease that was given at some time; most are stale. */
struct handle {
    int64_t image;
    struct queue_lease lease;
};

struct play {
    struct world *world;
    struct model model;
    struct handle handles[HANDLES];
    size_t next_handle;
    uint64_t random;
    uint64_t last_fence;
};

static uint64_t draw(struct play *play, uint64_t below)
{
    play->random = play->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (play->random >> 33) % below;
}

static struct job random_job(struct play *play)
{
    return job_of(1 + (int64_t)draw(play, MODEL_IMAGES - 1), (enum job_class)draw(play, MODEL_CLASSES));
}

static void do_push(struct play *play)
{
    struct job job = random_job(play);
    int64_t uploader = (int64_t)draw(play, MODEL_UPLOADERS);
    bool is_delayed = draw(play, 4) == 0;
    push(play->world, job.image, job.class, uploader, is_delayed ? LONG_MS : 0);
    model_push(&play->model, &job, uploader, is_delayed);
}

static void do_push_many(struct play *play)
{
    struct queue_pushing jobs[MOST_AT_ONCE];
    struct await await = {.answers = 0};
    size_t count = draw(play, MOST_AT_ONCE + 1);
    size_t added = SIZE_MAX;
    size_t expected = 0;
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (struct queue_pushing){random_job(play), (int64_t)draw(play, MODEL_UPLOADERS)};
        expected += model_push(&play->model, &jobs[i].job, jobs[i].uploader, false);
    }
    queue_push_many(play->world->queue, jobs, count, &added, await_done, &await);
    expect_success(play->world, &await);
    assert_int_equal(added, expected);
}

static void keep_handle(struct play *play, const struct queue_taken *taken)
{
    /* tokens only grow, so none is ever given twice */
    assert_true(taken->lease.fence > play->last_fence);
    play->last_fence = taken->lease.fence;
    play->model.jobs[taken->job.image].fence = taken->lease.fence;
    play->handles[play->next_handle++ % HANDLES] = (struct handle){taken->job.image, taken->lease};
}

static void do_take(struct play *play)
{
    struct queue_taken taken[MOST_AT_ONCE];
    size_t most = draw(play, MOST_AT_ONCE + 1);
    size_t count = take(play->world, most, LONG_MS, taken);
    model_pass_time(&play->model);
    for (size_t i = 0; i < count; i++) {
        int64_t image = model_take(&play->model);
        assert_int_equal(taken[i].job.image, image);
        assert_true(taken[i].is_known);
        assert_int_equal(taken[i].lost_leases, play->model.jobs[image].lost);
        assert_int_equal(taken[i].job.attempt, play->model.jobs[image].attempt);
        keep_handle(play, &taken[i]);
    }
    assert_true(count == most || model_take(&play->model) == 0);
}

/* Some handles, perhaps one twice; is_held says what they are by the model before the verb. */
static size_t draw_handles(struct play *play, struct handle *handles, struct queue_lease *leases)
{
    size_t count = 1 + draw(play, MOST_AT_ONCE);
    for (size_t i = 0; i < count; i++) {
        handles[i] = play->handles[draw(play, HANDLES)];
        leases[i] = handles[i].lease;
    }
    return count;
}

static void do_renew(struct play *play)
{
    struct handle handles[MOST_AT_ONCE];
    struct queue_lease leases[MOST_AT_ONCE];
    bool is_held[MOST_AT_ONCE];
    struct await await = {.answers = 0};
    size_t count = draw_handles(play, handles, leases);
    queue_renew(play->world->queue, leases, count, LONG_MS, is_held, await_done, &await);
    expect_success(play->world, &await);
    for (size_t i = 0; i < count; i++) {
        bool expected = model_is_held(&play->model, handles[i].image, leases[i].fence);
        assert_int_equal(is_held[i], expected);
        if (expected) {
            play->model.jobs[handles[i].image].place = LEASED;
        }
    }
}

static void do_finish(struct play *play)
{
    struct handle handles[MOST_AT_ONCE];
    struct queue_lease leases[MOST_AT_ONCE];
    size_t count = draw_handles(play, handles, leases);
    finish(play->world, leases, count);
    for (size_t i = 0; i < count; i++) {
        if (model_is_held(&play->model, handles[i].image, leases[i].fence)) {
            play->model.jobs[handles[i].image].place = GONE;
            play->model.finished++;
        }
    }
}

static void do_give_back(struct play *play)
{
    struct handle handles[MOST_AT_ONCE];
    struct queue_lease leases[MOST_AT_ONCE];
    size_t count = draw_handles(play, handles, leases);
    give_back(play->world, leases, count);
    for (size_t i = count; i > 0; i--) {
        if (model_is_held(&play->model, handles[i - 1].image, leases[i - 1].fence)) {
            model_line_up(&play->model, handles[i - 1].image, true);
        }
    }
}

static void do_retry(struct play *play)
{
    const struct handle *handle = &play->handles[draw(play, HANDLES)];
    struct model_job *known = &play->model.jobs[handle->image];
    struct job job = job_of(handle->image == 0 ? 1 : handle->image, known->class);
    bool is_delayed = draw(play, 2) == 0;
    bool expected = model_is_held(&play->model, handle->image, handle->lease.fence);
    job.attempt = (int)draw(play, 1000);
    assert_int_equal(retry(play->world, &handle->lease, &job, is_delayed ? LONG_MS : 0), expected);
    if (expected) {
        known->attempt = job.attempt;
        known->lost = 0;
        known->place = DELAYED;
        if (!is_delayed) {
            model_line_up(&play->model, handle->image, false);
        }
    }
}

/* Lets the time of some jobs in a sorted set be over. */
static void end_time(struct play *play, const char *key, enum model_place from, enum model_place to)
{
    for (int64_t image = 1; image < MODEL_IMAGES; image++) {
        if (play->model.jobs[image].place == from && draw(play, 2) == 0) {
            char command[64];
            snprintf(command, sizeof command, "ZADD {p}:%s XX CH 1 %lld.1", key, (long long)image);
            assert_int_equal(raw_integer(play->world, command), 1);
            play->model.jobs[image].place = to;
        }
    }
}

static void do_end_delays(struct play *play)
{
    end_time(play, "delayed", DELAYED, DUE);
}

static void do_end_leases(struct play *play)
{
    end_time(play, "leases", LEASED, LAPSED);
}

static void set_paused(struct play *play, bool is_paused)
{
    struct await await = {.answers = 0};
    play->model.is_paused = is_paused;
    queue_set_paused(play->world->queue, is_paused, await_done, &await);
    expect_success(play->world, &await);
}

static void do_pause(struct play *play)
{
    set_paused(play, draw(play, 3) == 0);
}

/* A queue that only its own verbs have touched is always whole, so this never turns into a rebuild again. */
static void do_sweep(struct play *play)
{
    struct await await = {.answers = 0};
    struct queue_sweep sweep = {.is_ours = false};
    bool is_rebuild = raw_integer(play->world, "EXISTS {p}:epoch") == 0;
    bool is_held = false;
    queue_sweep(play->world->queue, "model", LONG_MS, &sweep, await_done, &await);
    expect_success(play->world, &await);
    assert_true(sweep.is_ours);
    assert_int_equal(sweep.is_rebuild, is_rebuild);
    await = (struct await){.answers = 0};
    queue_sweep_mark(play->world->queue, "model", 0, true, LONG_MS, &is_held, await_done, &await);
    expect_success(play->world, &await);
    assert_true(is_held);
}

static void do_forget_scripts(struct play *play)
{
    raw_do(play->world, "SCRIPT FLUSH");
}

static const struct {
    void (*run)(struct play *play);
    uint64_t weight;
} verbs[] = {{do_push, 20},      {do_push_many, 5}, {do_take, 25},  {do_renew, 8},
             {do_finish, 8},     {do_give_back, 8}, {do_retry, 10}, {do_end_delays, 5},
             {do_end_leases, 5}, {do_pause, 3},     {do_sweep, 3},  {do_forget_scripts, 1}};

static void do_any(struct play *play)
{
    uint64_t total = 0;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        total += verbs[i].weight;
    }
    uint64_t point = draw(play, total);
    size_t verb = 0;
    while (point >= verbs[verb].weight) {
        point -= verbs[verb++].weight;
    }
    verbs[verb].run(play);
}

static void check_counts(struct play *play)
{
    const struct model *model = &play->model;
    struct queue_stats found = stats(play->world);
    int64_t ready[MODEL_CLASSES] = {0};
    for (size_t i = 1; i < MODEL_IMAGES; i++) {
        ready[model->jobs[i].class] += model->jobs[i].place == READY;
    }
    for (size_t i = 0; i < MODEL_CLASSES; i++) {
        assert_int_equal(found.ready[i], ready[i]);
    }
    assert_int_equal(found.delayed, model_count(model, DELAYED) + model_count(model, DUE));
    assert_int_equal(found.leased, model_count(model, LEASED) + model_count(model, LAPSED));
    assert_int_equal(found.jobs, MODEL_IMAGES - 1 - model_count(model, GONE));
    assert_int_equal(found.finished, model->finished);
    assert_int_equal(found.expired, model->expired);
    assert_int_equal(found.is_paused, model->is_paused);
    /* as long as there is something to take, somebody is woken for it */
    if (!model->is_paused && model_count(model, READY) > 0) {
        assert_true(raw_integer(play->world, "LLEN {p}:wake") > 0);
    }
}

/* What a command lists has to be these items, in this order. */
static void expect_list(struct play *play, const char *command, const char *suffix,
                        const struct model_list *expected)
{
    redisReply *reply = redisCommand(play->world->raw, command);
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    assert_int_equal(reply->elements, expected->count);
    for (size_t i = 0; i < expected->count; i++) {
        char name[JOB_ID_BYTES];
        snprintf(name, sizeof name, "%lld%s", (long long)expected->items[i], suffix);
        assert_string_equal(reply->element[i]->str, name);
    }
    freeReplyObject(reply);
}

/* Looks at what is stored: every job in its place and in no other, and counts that are those of the lines. */
static void check_places(struct play *play)
{
    const struct model *model = &play->model;
    char command[96];
    for (size_t class = 0; class < MODEL_CLASSES; class ++) {
        long long in_lines = 0;
        snprintf(command, sizeof command, "LRANGE {p}:ring:%c 0 -1", "hnl"[class]);
        expect_list(play, command, "", &model->rings[class]);
        for (size_t uploader = 0; uploader < MODEL_UPLOADERS; uploader++) {
            snprintf(command, sizeof command, "LRANGE {p}:line:%c:%zu 0 -1", "hnl"[class], uploader);
            expect_list(play, command, ".1", &model->lines[class][uploader]);
            in_lines += (long long)model->lines[class][uploader].count;
        }
        snprintf(command, sizeof command, "HINCRBY {p}:counts %c 0", "hnl"[class]);
        assert_int_equal(raw_integer(play->world, command), in_lines);
    }
    assert_int_equal(raw_integer(play->world, "HLEN {p}:fences"),
                     model_count(model, LEASED) + model_count(model, LAPSED));
    for (long long image = 1; image < MODEL_IMAGES; image++) {
        enum model_place place = model->jobs[image].place;
        snprintf(command, sizeof command, "HEXISTS {p}:fences %lld.1", image);
        assert_int_equal(raw_integer(play->world, command), place == LEASED || place == LAPSED);
        snprintf(command, sizeof command, "HEXISTS {p}:lost %lld.1", image);
        assert_int_equal(raw_integer(play->world, command), place != GONE && model->jobs[image].lost > 0);
    }
}

/* Lets time pass until all jobs are finished, each once. */
static void finish_all(struct play *play)
{
    struct queue_taken taken[QUEUE_TAKE_MAX];
    int64_t left = (int64_t)(MODEL_IMAGES - 1 - model_count(&play->model, GONE));
    int64_t finished = 0;
    bool is_finished[MODEL_IMAGES] = {false};
    set_paused(play, false);
    raw_do(play->world, "ZUNIONSTORE {p}:leases 1 {p}:leases WEIGHTS 0");
    raw_do(play->world, "ZUNIONSTORE {p}:delayed 1 {p}:delayed WEIGHTS 0");
    for (size_t count = 0; (count = take(play->world, QUEUE_TAKE_MAX, LONG_MS, taken)) > 0;) {
        struct queue_lease leases[QUEUE_TAKE_MAX];
        for (size_t i = 0; i < count; i++) {
            assert_false(is_finished[taken[i].job.image]);
            is_finished[taken[i].job.image] = true;
            leases[i] = taken[i].lease;
        }
        finish(play->world, leases, count);
        finished += (int64_t)count;
    }
    assert_int_equal(finished, left);
    expect_stats(play->world, (int64_t[]){0, 0, 0, 0, 0, 0});
    assert_int_equal(raw_integer(play->world, "DBSIZE"),
                     raw_integer(play->world, "EXISTS {p}:fence {p}:turn {p}:counts {p}:epoch"));
}

/* Which sequences, and how far they came. */
struct run {
    struct world *world;
    uint64_t seed;
    uint64_t end;
    int verb;
};

static int run_setup(void **state)
{
    struct run *run = *state;
    void *world = NULL;
    world_setup(&world);
    run->world = world;
    return 0;
}

static int run_teardown(void **state)
{
    struct run *run = *state;
    void *world = run->world;
    if (run->seed < run->end) {
        print_message("seed %llu, after verb %d\n", (unsigned long long)run->seed, run->verb);
    }
    return world_teardown(&world);
}

static void test_random_verbs_do_what_the_model_does(void **state)
{
    struct run *run = *state;
    for (; run->seed < run->end; run->seed++) {
        struct play play = {.world = run->world, .random = run->seed};
        for (size_t i = 0; i < HANDLES; i++) {
            play.handles[i] = (struct handle){0, {"1.1", 1}};
        }
        raw_do(run->world, "FLUSHALL");
        for (run->verb = 0; run->verb < VERBS; run->verb++) {
            do_any(&play);
            check_counts(&play);
            if (run->verb % LOOK_EVERY == 0) {
                check_places(&play);
            }
        }
        finish_all(&play);
    }
}

int main(int argc, char **argv)
{
    struct run run = {.seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1};
    run.end = run.seed + (argc > 2 ? strtoull(argv[2], NULL, 10) : SEEDS);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(test_random_verbs_do_what_the_model_does, run_setup,
                                                 run_teardown, &run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
