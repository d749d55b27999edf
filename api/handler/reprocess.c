// SPDX-License-Identifier: Apache-2.0
/*
 * An image is made again, maybe with another profile: body ─► row (owed again, a new generation) ─► push ─► 202.
 */
#include "api/handler/admit.h"
#include "api/handler/job_push.h"
#include "api/handler/json_body.h"
#include "api/handler/service.h"
#include "api/http/response.h"
#include "api/route/answer.h"
#include "api/route/params.h"
#include "api/route/problem.h"
#include "api/route/view.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/text.h"
#include "common/db/db_image.h"
#include "common/image/profile_read.h"

#include <stdlib.h>
#include <string.h>

/* One wish; in the request's arena. */
struct reprocess {
    struct call *call;
    json_t *body; /* owned until it is read */
    struct profile profile;
    struct db_image_wish wish;
    struct db_image image;
};

static void on_pushed(void *owner)
{
    struct reprocess *reprocess = owner;
    struct call *call = reprocess->call;
    response_header(call->request, "Location",
                    view_image_url(call->arena, call->base_url, &reprocess->image));
    answer_json(call->request, 202, view_image(call->arena, call->base_url, &reprocess->image));
}

static void on_row(void *owner, const struct err *err)
{
    struct reprocess *reprocess = owner;
    struct job job = {.type = JOB_PROCESS, .class = JOB_NORMAL};
    if (err != NULL) {
        problem_answer(reprocess->call->request, err);
        return;
    }
    failpoint("reprocess.committed");
    job.image = reprocess->image.id;
    job.generation = reprocess->image.generation;
    job.enqueued_at_ms = clock_wall_us() / 1000;
    trace_write(&reprocess->call->trace, job.trace);
    job_push(reprocess->call, &job, on_pushed, reprocess);
}

/* Takes what is wanted out of the body. Returns 0, or -1 with ERR_INVALID and the faults in *errors. */
static int read_wish(struct reprocess *reprocess, json_t **errors, struct err *err)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(reprocess->body, key, value)
    {
        if (strcmp(key, "profile") != 0) {
            problem_add(errors, key, "There is no such field.");
        }
    }
    const json_t *profile = json_object_get(reprocess->body, "profile");
    if (profile != NULL && !json_is_null(profile)) {
        struct err fault = {.code = ERR_NONE};
        char *text = json_dumps(profile, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text == NULL) {
            abort(); /* out of memory: what was read can be written */
        }
        if (profile_read(text, strlen(text), &reprocess->profile, &fault) == 0) {
            reprocess->wish.profile = reprocess->profile.identity;
            reprocess->wish.profile_json = arena_string(reprocess->call->arena, text);
        } else {
            /* the sentence may hold a word of the client's, cut anywhere */
            bool is_clean = text_is_utf8(fault.sentence, strlen(fault.sentence));
            problem_add(errors, "profile", is_clean ? fault.sentence : "This is no profile.");
        }
        free(text);
    }
    return *errors ? err_set(err, ERR_INVALID, "invalid fields") : 0;
}

static void on_body(void *owner, const struct err *err)
{
    struct reprocess *reprocess = owner;
    struct call *call = reprocess->call;
    struct err fault;
    json_t *errors = NULL;
    if (err != NULL) {
        problem_answer(call->request, err);
        return;
    }
    int failed = read_wish(reprocess, &errors, &fault);
    json_decref(reprocess->body);
    reprocess->body = NULL;
    if (failed) {
        problem_answer_fields(call->request, &fault, errors);
        return;
    }
    db_image_reprocess(call->service->db, call->arena, &reprocess->wish, &reprocess->image, on_row,
                       reprocess);
}

void image_reprocess(struct call *call)
{
    struct err err;
    int64_t id = 0;
    if (params_id(call, "id", &id, &err)) {
        problem_answer(call->request, &err);
        return;
    }
    if (admit_job(call)) {
        return;
    }
    struct reprocess *reprocess = arena_alloc(call->arena, sizeof *reprocess);
    reprocess->call = call;
    reprocess->wish = (struct db_image_wish){.id = id, .class = JOB_NORMAL};
    json_body_read(call, &reprocess->body, on_body, reprocess);
}
