// SPDX-License-Identifier: Apache-2.0
/*
 * What the queue has to be after any verbs, without Redis: where each job is, in which order it comes out, who holds it. Time does
 * not pass by itself here: a lease runs out and a delay ends when the test says so.
 */
#ifndef PIXMILL_TESTS_QUEUE_MODEL_H
#define PIXMILL_TESTS_QUEUE_MODEL_H

#include "common/queue/queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL_IMAGES = 40, MODEL_UPLOADERS = 4, MODEL_CLASSES = 3 };

enum model_place { GONE, READY, DELAYED, DUE, LEASED, LAPSED, MODEL_PLACES };

struct model_job {
    enum model_place place;
    enum job_class class;
    int64_t uploader;
    int attempt;
    int lost;
    uint64_t fence;
};

/* Numbers of images, or of uploaders, in their order. */
struct model_list {
    int64_t items[MODEL_IMAGES];
    size_t count;
};

struct model {
    struct model_job jobs[MODEL_IMAGES]; /* by number of the image; 0 is none */
    struct model_list lines[MODEL_CLASSES][MODEL_UPLOADERS];
    struct model_list rings[MODEL_CLASSES];
    uint64_t turn;
    int64_t finished;
    int64_t expired;
    bool is_paused;
};

static inline void model_list_add(struct model_list *list, int64_t item, bool is_first)
{
    assert(list->count < MODEL_IMAGES);
    if (is_first) {
        memmove(&list->items[1], &list->items[0], list->count * sizeof list->items[0]);
        list->items[0] = item;
    } else {
        list->items[list->count] = item;
    }
    list->count++;
}

static inline int64_t model_list_shift(struct model_list *list)
{
    assert(list->count > 0);
    int64_t item = list->items[0];
    list->count--;
    memmove(&list->items[0], &list->items[1], list->count * sizeof list->items[0]);
    return item;
}

static inline void model_line_up(struct model *model, int64_t image, bool is_first)
{
    struct model_job *job = &model->jobs[image];
    struct model_list *line = &model->lines[job->class][job->uploader];
    model_list_add(line, image, is_first);
    job->place = READY;
    if (line->count == 1) {
        model_list_add(&model->rings[job->class], job->uploader, is_first);
    }
}

/* Returns whether it was added. */
static inline bool model_push(struct model *model, const struct job *job, int64_t uploader, bool is_delayed)
{
    struct model_job *known = &model->jobs[job->image];
    if (known->place != GONE) {
        return false;
    }
    *known = (struct model_job){.class = job->class, .uploader = uploader, .attempt = job->attempt};
    if (is_delayed) {
        known->place = DELAYED;
    } else {
        model_line_up(model, job->image, false);
    }
    return true;
}

static inline int model_compare_names(const void *a, const void *b)
{
    char left[JOB_ID_BYTES];
    char right[JOB_ID_BYTES];
    snprintf(left, sizeof left, "%lld.1", *(const long long *)a);
    snprintf(right, sizeof right, "%lld.1", *(const long long *)b);
    return strcmp(left, right);
}

/* The images in a place, in the order of their names, as sorted sets have them. */
static inline size_t model_images_in(const struct model *model, enum model_place place,
                                     long long found[MODEL_IMAGES])
{
    size_t count = 0;
    for (long long image = 1; image < MODEL_IMAGES; image++) {
        if (model->jobs[image].place == place) {
            found[count++] = image;
        }
    }
    qsort(found, count, sizeof found[0], model_compare_names);
    return count;
}

static inline size_t model_count(const struct model *model, enum model_place place)
{
    long long images[MODEL_IMAGES];
    return model_images_in(model, place, images);
}

static inline void model_pass_time(struct model *model)
{
    long long images[MODEL_IMAGES];
    size_t count = model_images_in(model, DUE, images);
    for (size_t i = 0; i < count; i++) {
        model_line_up(model, images[i], false);
    }
    count = model_images_in(model, LAPSED, images);
    for (size_t i = 0; i < count; i++) {
        model->jobs[images[i]].lost++;
        model->expired++;
        model_line_up(model, images[i], true);
    }
}

static inline int model_pick_class(struct model *model)
{
    static const enum job_class firsts[10] = {JOB_LOW,  JOB_HIGH, JOB_HIGH,   JOB_NORMAL, JOB_HIGH,
                                              JOB_HIGH, JOB_HIGH, JOB_NORMAL, JOB_HIGH,   JOB_HIGH};
    const enum job_class order[] = {firsts[(model->turn + 1) % 10], JOB_HIGH, JOB_NORMAL, JOB_LOW};
    for (size_t i = 0; i < 4; i++) {
        if (model->rings[order[i]].count > 0) {
            model->turn++;
            return (int)order[i];
        }
    }
    return -1;
}

/* The next job's image, or 0; it is leased under a token that is not known yet. */
static inline int64_t model_take(struct model *model)
{
    int class = model->is_paused ? -1 : model_pick_class(model);
    if (class < 0) {
        return 0;
    }
    int64_t uploader = model_list_shift(&model->rings[class]);
    struct model_list *line = &model->lines[class][uploader];
    int64_t image = model_list_shift(line);
    if (line->count > 0) {
        model_list_add(&model->rings[class], uploader, false);
    }
    model->jobs[image].place = LEASED;
    return image;
}

static inline bool model_is_held(const struct model *model, int64_t image, uint64_t fence)
{
    const struct model_job *job = &model->jobs[image];
    return (job->place == LEASED || job->place == LAPSED) && job->fence == fence;
}

#endif
