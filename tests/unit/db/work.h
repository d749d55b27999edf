// SPDX-License-Identifier: Apache-2.0
/*
 * What the tests of a worker's questions share: results to tell, and the telling as blocking calls.
 */
#ifndef PIXMILL_TESTS_DB_WORK_H
#define PIXMILL_TESTS_DB_WORK_H

#include "tests/unit/db/home.h"

enum { VARIANTS = 3 };

/* A result of all three variants, with names of the image and the generation. */
struct made {
    struct db_image_result result;
    struct db_variant variants[VARIANTS];
};

static inline void make_result(struct home *home, struct made *made, int64_t id, int64_t generation)
{
    static const char *const names[VARIANTS] = {"thumbnail", "medium", "webp"};
    static const enum image_format formats[VARIANTS] = {IMAGE_JPEG, IMAGE_JPEG, IMAGE_WEBP};
    for (int i = 0; i < VARIANTS; i++) {
        made->variants[i] = (struct db_variant){
            .name = names[i],
            .stored_name = arena_format(home->arena, "products/%s/%lld-g%lld", names[i], (long long)id,
                                        (long long)generation),
            .format = formats[i],
            .width_px = 200 * (i + 1),
            .height_px = 100 * (i + 1),
            .bytes = 1000 * (i + 1),
        };
    }
    made->result = (struct db_image_result){.id = id,
                                            .generation = generation,
                                            .width_px = 640,
                                            .height_px = 480,
                                            .profile = "default-1",
                                            .variants = made->variants,
                                            .variant_count = VARIANTS};
}

enum { FENCE = 1000 }; /* of the leases of tests that have one only */

static inline bool begin_fenced(struct home *home, int64_t id, int64_t generation, uint64_t fence,
                                struct db_image_work *work)
{
    struct await await = {0};
    *work = (struct db_image_work){0};
    db_image_begin(home->db, home->arena, id, generation, fence, work, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    return work->is_owed;
}

static inline bool begin(struct home *home, int64_t id, int64_t generation, struct db_image_work *work)
{
    return begin_fenced(home, id, generation, FENCE, work);
}

static inline bool ready(struct home *home, const struct db_image_result *result)
{
    struct await await = {0};
    bool is_current = false;
    db_image_ready(home->db, result, &is_current, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    return is_current;
}

static inline bool fail_as(struct home *home, const struct db_image_failure *failure)
{
    struct await await = {0};
    bool is_current = false;
    db_image_failed(home->db, failure, &is_current, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    return is_current;
}

static inline bool failed(struct home *home, int64_t id, int64_t generation)
{
    struct job job = {.image = id, .generation = generation};
    struct db_image_failure failure = {
        .job = &job, .fence = FENCE, .code = ERR_CORRUPT_IMAGE, .sentence = "it ends in the middle"};
    return fail_as(home, &failure);
}

static inline bool again_fenced(struct home *home, int64_t id, int64_t generation, uint64_t fence)
{
    struct await await = {0};
    bool is_current = false;
    db_image_again(home->db, id, generation, fence, &is_current, await_done, &await);
    assert_int_equal(answer_of(home, &await), ERR_NONE);
    return is_current;
}

static inline bool again(struct home *home, int64_t id, int64_t generation)
{
    return again_fenced(home, id, generation, FENCE);
}

static inline struct db_image now(struct home *home, int64_t id)
{
    struct db_image image;
    assert_int_equal(get_image(home, id, NULL, &image), ERR_NONE);
    return image;
}

/* As a request to make it anew would. */
static inline void ask_anew(struct home *home, int64_t id)
{
    sql(home, arena_format(home->arena,
                           "UPDATE image SET generation = generation + 1, status = 'pending', error = NULL, "
                           "error_sentence = NULL, changed_at = now() WHERE id = %lld",
                           (long long)id));
}

static inline void drop_all_tombstones(struct home *home)
{
    sql(home, "DELETE FROM tombstone");
}

#endif
