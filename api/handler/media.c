// SPDX-License-Identifier: Apache-2.0
/*
 * GET /media/NAME: stored files that a row refers to. A name's bytes never change, so an answer may be kept for ever.
 */
#include "api/handler/media_answer.h"
#include "api/handler/service.h"
#include "api/http/response.h"
#include "api/route/answer.h"
#include "api/route/params.h"
#include "api/route/problem.h"
#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/config/config.h"
#include "common/db/db_media.h"
#include "common/image/image_name.h"
#include "common/storage/storage.h"

#include <unistd.h>

/* One file being served; in the request's arena. */
struct media {
    struct call *call;
    const char *stored_name;
    struct db_media row;
    struct storage_file file; /* fd is owned until it is answered */
};

static struct media_answer decide(const struct media *media)
{
    const struct request *request = media->call->request;
    struct media_file file = {
        .name = media->stored_name,
        .sha256 = media->row.sha256,
        .bytes = media->file.bytes,
        .changed_us = media->file.changed_us,
    };
    struct media_question question = {
        .is_head = request_method(request) == HTTP_HEAD_,
        .if_match = request_header(request, "If-Match"),
        .if_unmodified_since = request_header(request, "If-Unmodified-Since"),
        .if_none_match = request_header(request, "If-None-Match"),
        .if_modified_since = request_header(request, "If-Modified-Since"),
        .if_range = request_header(request, "If-Range"),
        .range = request_header(request, "Range"),
    };
    struct media_answer told;
    media_decide(media->call->arena, &file, &question, &told);
    return told;
}

/* Tells what the file is known by and how long it may be kept. A refusal has none of it: a cache would keep that instead. */
static void add_validators(struct call *call, const struct media_answer *told)
{
    bool is_public = call->service->config->public_reads;
    response_header(call->request, "ETag", told->etag);
    response_header(call->request, "Last-Modified", told->last_modified);
    response_header(call->request, "Accept-Ranges", "bytes");
    response_header(call->request, "Cache-Control",
                    is_public ? "public, max-age=31536000, immutable"
                              : "private, max-age=31536000, immutable");
}

/* Answers with the open file, which is closed in any case. */
static void answer_media(struct media *media)
{
    struct call *call = media->call;
    struct media_answer told = decide(media);
    if (told.content_range != NULL) {
        response_header(call->request, "Content-Range", told.content_range);
    }
    if (told.status == 200 || told.status == 206) {
        add_validators(call, &told);
        answer_file(call->request, told.status, image_format_content_type(media->row.format), media->file.fd,
                    told.offset, told.bytes);
        return;
    }
    close(media->file.fd);
    if (told.status == 304) {
        add_validators(call, &told);
        answer(call->request, 304, NULL, NULL, 0);
    } else if (told.status == 412) {
        problem_answer_code(call->request, ERR_PRECONDITION_FAILED);
    } else {
        problem_answer_code(call->request, ERR_RANGE_NOT_SATISFIABLE);
    }
}

/* What is not as its row says is as good as lost: it must not be kept by anybody for ever. */
static void on_opened(void *owner, const struct err *err)
{
    struct media *media = owner;
    struct request *request = media->call->request;
    struct log_field name = log_text("file", media->stored_name);
    struct log_field id = log_text("request", request_id(request));
    struct log_field trace = log_text("trace", media->call->trace.id);
    if (err != NULL && err->code == ERR_SOURCE_MISSING) {
        log_error("a row names a file that is not there", name, id, trace);
        problem_answer_code(request, ERR_NOT_FOUND);
    } else if (err != NULL) {
        problem_answer(request, err);
    } else if (media->file.bytes != media->row.bytes) {
        log_error("a file has not as many bytes as its row says", name, id, trace,
                  log_int("bytes", media->file.bytes), log_int("expected", media->row.bytes));
        close(media->file.fd);
        problem_answer_code(request, ERR_NOT_FOUND);
    } else {
        answer_media(media);
    }
}

static void on_row(void *owner, const struct err *err)
{
    struct media *media = owner;
    if (err != NULL) {
        problem_answer(media->call->request, err);
        return;
    }
    storage_get(media->call->service->storage, media->stored_name, &media->file, on_opened, media);
}

void media_get(struct call *call)
{
    const char *name = params_text(call, "name");
    if (!image_name_is_safe(name)) {
        problem_answer_code(call->request, ERR_NOT_FOUND);
        return;
    }
    struct media *media = arena_alloc(call->arena, sizeof(*media));
    media->call = call;
    media->stored_name = name;
    db_media_get(call->service->db, call->arena, name, &media->row, on_row, media);
}
