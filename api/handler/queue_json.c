// SPDX-License-Identifier: Apache-2.0
#include "api/handler/queue_json.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <math.h>
#include <string.h>

/* JSON has no infinity: where nobody works, nobody knows how long it takes. */
static json_t *seconds_or_null(double seconds)
{
    return isfinite(seconds) ? json_real(seconds) : json_null();
}

static json_t *seconds_of_ms(int64_t ms)
{
    return json_real((double)ms / 1000);
}

static json_t *priorities(const struct queue_sight *sight)
{
    static const enum job_class classes[] = {JOB_HIGH, JOB_NORMAL, JOB_LOW};
    json_t *all = json_object();
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        json_t *one = json_object();
        json_object_set_new(one, "depth", json_integer(sight->stats.ready[classes[i]]));
        json_object_set_new(one, "oldest_age_seconds", seconds_of_ms(sight->stats.oldest_age_ms[classes[i]]));
        json_object_set_new(one, "backlog_seconds", seconds_or_null(sight->backlog_seconds[classes[i]]));
        json_object_set_new(all, job_class_word(classes[i]), one);
    }
    return all;
}

/* Of a job's name, "IMAGE.GENERATION" or "IMAGE.GENERATION.r"; one that a newer version made may look otherwise. */
static json_t *job_of_name(const char *name)
{
    char copy[JOB_ID_BYTES];
    int64_t image = 0;
    int64_t generation = 0;
    json_t *job = json_object();
    json_object_set_new(job, "job", json_string(name));
    char *dot = text_copy(copy, sizeof copy, name) == 0 ? strchr(copy, '.') : NULL;
    if (dot != NULL) {
        *dot++ = '\0';
        dot[strcspn(dot, ".")] = '\0';
        if (text_int64(copy, 1, INT64_MAX, &image) == 0 && text_int64(dot, 1, INT64_MAX, &generation) == 0) {
            json_object_set_new(job, "image", json_integer(image));
            json_object_set_new(job, "generation", json_integer(generation));
        }
    }
    return job;
}

static json_t *worker_json(const struct queue_worker *worker)
{
    char started_at[CLOCK_TEXT_BYTES];
    json_t *jobs = json_array();
    json_t *body = json_object();
    clock_text(worker->started_at_ms * 1000, started_at);
    for (size_t i = 0; i < worker->job_count; i++) {
        json_array_append_new(jobs, job_of_name(worker->jobs[i]));
    }
    json_object_set_new(body, "name", json_string(worker->holder));
    json_object_set_new(body, "state", json_string(worker->state));
    json_object_set_new(body, "codecs", json_integer(worker->codecs));
    json_object_set_new(body, "codecs_busy", json_integer(worker->codecs_busy));
    json_object_set_new(body, "in_hand", json_integer(worker->in_hand));
    json_object_set_new(body, "jobs", jobs);
    json_object_set_new(body, "taken", json_integer(worker->taken));
    json_object_set_new(body, "seconds_per_image", json_real((double)worker->codec_us / 1e6));
    json_object_set_new(body, "started_at", json_string(started_at));
    json_object_set_new(body, "seen_seconds_ago", seconds_of_ms(worker->age_ms));
    return body;
}

json_t *queue_json(const struct queue_sight *sight, bool is_paused)
{
    json_t *workers = json_array();
    json_t *body = json_object();
    for (size_t i = 0; i < sight->worker_count; i++) {
        json_array_append_new(workers, worker_json(&sight->workers[i]));
    }
    json_object_set_new(body, "paused", json_boolean(is_paused));
    json_object_set_new(body, "priorities", priorities(sight));
    json_object_set_new(body, "delayed", json_integer(sight->stats.delayed));
    json_object_set_new(body, "in_flight", json_integer(sight->stats.leased));
    json_object_set_new(body, "dead", sight->dead < 0 ? json_null() : json_integer(sight->dead));
    json_object_set_new(body, "jobs_per_second", json_real(sight->finished_per_second));
    json_object_set_new(body, "workers", workers);
    return body;
}
