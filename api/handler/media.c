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

static void on_opened(void *owner, const struct err *err)
{
    struct media *media = owner;
    struct call *call = media->call;
    if (err != NULL) {
        if (err->code == ERR_SOURCE_MISSING) {
            log_error("a row names a file that is not there", log_text("file", media->stored_name));
            problem_answer_code(call->request, ERR_NOT_FOUND);
        } else {
            problem_answer(call->request, err);
        }
        return;
    }
    struct media_file file = {
        .name = media->stored_name,
        .sha256 = media->row.sha256,
        .bytes = media->file.bytes,
        .changed_us = media->file.changed_us,
    };
    struct media_question question = {
        .if_none_match = request_header(call->request, "If-None-Match"),
        .if_modified_since = request_header(call->request, "If-Modified-Since"),
        .if_range = request_header(call->request, "If-Range"),
        .range = request_header(call->request, "Range"),
    };
    struct media_answer told;
    media_decide(call->arena, &file, &question, &told);
    bool is_public = call->service->config->public_reads;
    response_header(call->request, "ETag", told.etag);
    response_header(call->request, "Last-Modified", told.last_modified);
    response_header(call->request, "Accept-Ranges", "bytes");
    response_header(call->request, "Cache-Control",
                    is_public ? "public, max-age=31536000, immutable"
                              : "private, max-age=31536000, immutable");
    if (told.content_range != NULL) {
        response_header(call->request, "Content-Range", told.content_range);
    }
    if (told.status == 200 || told.status == 206) {
        answer_file(call->request, told.status, image_format_content_type(media->row.format), media->file.fd,
                    told.offset, told.bytes);
        return;
    }
    close(media->file.fd);
    if (told.status == 304) {
        answer(call->request, 304, NULL, NULL, 0);
    } else {
        problem_answer_code(call->request, ERR_RANGE_NOT_SATISFIABLE);
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
