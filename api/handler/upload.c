// SPDX-License-Identifier: Apache-2.0
/*
 * The life of an upload. A state runs when nothing is pending; what it starts is judged before the next one runs.
 *
 *     PRODUCT ─► BEGIN ─► BODY ◄──► PIECE ─► COMMIT ─► ROW ─► PUSH ─► WAIT ─► OVER
 *        │         │        │         │        │        │                      ▲
 *        │         │        │         │        │        └─ failed ─► UNDO ─────┤
 *        └─────────┴────────┴─────────┴────────┴─ failed ─────────────────────┘
 *
 * PRODUCT  asks for the product, before a byte of the body is taken
 * BEGIN    opens a file in the storage
 * BODY     lets the next piece of the body come
 * PIECE    takes a piece apart, judges it, and writes the file's bytes, one write at a time: the client is not read meanwhile
 * COMMIT   the body has ended well: makes the file durable under its name
 * ROW      inserts the row; from here on the image is owed
 * PUSH     tells the queue; a failure is repaired by the workers' reconciler
 * WAIT     holds the answer where the client prefers to wait
 * UNDO     the row failed: the file goes, at once or when the database can say that no row names it
 * OVER     drops what is not kept and answers
 */
#include "api/handler/admit.h"
#include "api/handler/file_check.h"
#include "api/handler/job_push.h"
#include "api/handler/leftovers.h"
#include "api/handler/service.h"
#include "api/handler/settle.h"
#include "api/handler/upload_form.h"
#include "api/http/response.h"
#include "api/route/answer.h"
#include "api/route/problem.h"
#include "api/route/view.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/config/config.h"
#include "common/db/db_image.h"
#include "common/db/db_product.h"
#include "common/image/image_name.h"
#include "common/queue/queue.h"
#include "common/storage/storage.h"

#include <string.h>

enum upload_state {
    UPLOAD_PRODUCT,
    UPLOAD_BEGIN,
    UPLOAD_BODY,
    UPLOAD_PIECE,
    UPLOAD_COMMIT,
    UPLOAD_ROW,
    UPLOAD_PUSH,
    UPLOAD_WAIT,
    UPLOAD_UNDO,
    UPLOAD_OVER
};

/* One upload; in the request's arena. */
struct upload {
    enum upload_state state;
    int pending; /* calls that have not answered, and a piece of the body that has not come */
    bool is_stepping;
    struct err err; /* why it is refused; ERR_NONE: it is not */
    struct call *call;
    struct service *service;
    struct admission_share share; /* left at the end */
    struct upload_form *form;     /* released at the end */
    struct file_check check;      /* released at the end */
    struct db_product product;
    struct storage_upload *file; /* owned until committed; NULL: none */
    const char *piece;           /* what came of the body and is not taken apart yet */
    size_t piece_bytes;
    bool is_uncounted; /* the admission does not know the piece yet */
    bool is_reading;   /* a piece was asked for */
    bool has_ended;    /* the body came whole */
    unsigned char sha256[DIGEST_BYTES];
    char stored_name[IMAGE_NAME_BYTES];
    struct db_image_new wanted;
    struct db_image image; /* the row */
};

static void upload_step(struct upload *upload);

/* Every call that a state starts answers here. */
static void on_done(void *owner, const struct err *err)
{
    struct upload *upload = owner;
    upload->pending--;
    if (err != NULL && upload->err.code == ERR_NONE) {
        upload->err = *err;
    }
    upload_step(upload);
}

static void on_body_data(void *owner, const char *data, size_t bytes)
{
    struct upload *upload = owner;
    upload->piece = data;
    upload->piece_bytes = bytes;
    upload->is_uncounted = true;
    upload->is_reading = false;
    on_done(upload, NULL);
}

static void on_body_end(void *owner)
{
    struct upload *upload = owner;
    upload->has_ended = true;
    upload->is_reading = false;
    on_done(upload, NULL);
}

/* May come while bytes are written: then the upload waits for that, and is refused after it. */
static void on_body_abort(void *owner, const struct err *err)
{
    struct upload *upload = owner;
    upload->pending += !upload->is_reading;
    upload->is_reading = false;
    on_done(upload, err);
}

static enum upload_state do_product(struct upload *upload)
{
    const struct request *request = upload->call->request;
    struct upload_body body = {request_header(request, "Content-Type"), request_query(request),
                               request_has_body(request)};
    upload->form = upload_form_new(upload->call->arena, &body, &upload->err);
    if (upload->form == NULL || upload_form_check(upload->form, &upload->err)) {
        return UPLOAD_OVER;
    }
    int64_t bytes = request_content_length(request);
    bool is_small =
        bytes <= upload->service->limits.max_file_bytes || bytes > upload->service->config->max_body_bytes;
    if (upload_form_is_raw(upload->form) && !is_small) {
        (void)err_set(&upload->err, ERR_FILE_TOO_LARGE, "a body of %lld bytes is announced",
                      (long long)bytes);
        return UPLOAD_OVER;
    }
    upload->wanted.product_slug = params_text(upload->call, "slug");
    upload->pending++;
    db_product_get(upload->service->db, upload->call->arena, upload->wanted.product_slug, &upload->product,
                   on_done, upload);
    return UPLOAD_BEGIN;
}

static enum upload_state do_begin(struct upload *upload)
{
    upload->pending++;
    storage_begin(upload->service->storage, &upload->file, on_done, upload);
    return UPLOAD_BODY;
}

static enum upload_state do_body(struct upload *upload)
{
    failpoint("upload.begun");
    static const struct body_sink sink = {on_body_data, on_body_end, on_body_abort};
    struct request *request = upload->call->request;
    upload->pending++;
    upload->is_reading = true;
    if (upload->piece == NULL) {
        request_read_body(request, upload->service->config->max_body_bytes, &sink, upload);
    } else {
        request_read_more(request);
    }
    return UPLOAD_PIECE;
}

static enum upload_state do_piece(struct upload *upload)
{
    if (upload->has_ended) {
        return UPLOAD_COMMIT;
    }
    if (upload->is_uncounted && admission_grow(&upload->share, (int64_t)upload->piece_bytes, &upload->err)) {
        return UPLOAD_OVER;
    }
    upload->is_uncounted = false;
    while (upload->piece_bytes > 0) {
        const char *file = NULL;
        size_t bytes = 0;
        if (upload_form_feed(upload->form, &upload->piece, &upload->piece_bytes, &file, &bytes,
                             &upload->err)) {
            return UPLOAD_OVER;
        }
        if (bytes == 0) {
            continue;
        }
        if (file_check_feed(&upload->check, file, bytes, &upload->err)) {
            return UPLOAD_OVER;
        }
        failpoint("upload.writing");
        upload->pending++;
        storage_write(upload->file, file, bytes, on_done, upload);
        return UPLOAD_PIECE;
    }
    return UPLOAD_BODY;
}

static enum upload_state do_commit(struct upload *upload)
{
    if (upload_form_end(upload->form, &upload->err) ||
        file_check_end(&upload->check, upload->sha256, &upload->err)) {
        return UPLOAD_OVER;
    }
    char uuid[RANDOM_UUID_BYTES];
    random_uuid(uuid);
    image_name_original(upload->stored_name, clock_wall_us(), uuid, upload->check.head.format);
    struct storage_upload *file = upload->file;
    upload->file = NULL;
    upload->pending++;
    storage_commit(file, upload->stored_name, on_done, upload);
    return UPLOAD_ROW;
}

static enum upload_state do_row(struct upload *upload)
{
    failpoint("upload.renamed");
    const struct image_fields *fields = upload_form_fields(upload->form);
    storage_trouble_end(&upload->service->storage_trouble);
    struct db_image_new *wanted = &upload->wanted;
    wanted->key = upload->call->grant.key;
    wanted->stored_name = upload->stored_name;
    wanted->format = upload->check.head.format;
    wanted->bytes = upload->check.bytes;
    memcpy(wanted->sha256, upload->sha256, sizeof(wanted->sha256));
    wanted->alt_text = fields->alt_text;
    wanted->caption = fields->caption;
    wanted->is_primary = fields->is_primary;
    wanted->order = fields->order;
    upload->pending++;
    db_image_insert(upload->service->db, upload->call->arena, wanted, &upload->image, on_done, upload);
    return UPLOAD_PUSH;
}

static void on_pushed(void *owner)
{
    on_done(owner, NULL);
}

static enum upload_state do_push(struct upload *upload)
{
    failpoint("upload.inserted");
    struct job job = {.type = JOB_PROCESS,
                      .image = upload->image.id,
                      .generation = upload->image.generation,
                      .class = JOB_HIGH,
                      .enqueued_at_ms = clock_wall_us() / 1000};
    trace_write(&upload->call->trace, job.trace);
    upload->pending++;
    job_push(upload->call, &job, on_pushed, upload);
    return UPLOAD_WAIT;
}

/* The image was removed while it was waited for: it was stored all the same. */
static void on_settled(void *owner, const struct err *err)
{
    (void)err;
    on_done(owner, NULL);
}

static enum upload_state do_wait(struct upload *upload)
{
    failpoint("upload.pushed");
    int seconds = settle_seconds(upload->call->request);
    if (seconds > 0) {
        upload->pending++;
        settle_wait(upload->call, &upload->image, seconds, on_settled, upload);
    }
    return UPLOAD_OVER;
}

static void on_removed(void *owner, const struct err *err)
{
    struct upload *upload = owner;
    if (err != NULL) {
        log_error("a file without a row could not be removed", log_text("file", upload->stored_name),
                  log_text("request", request_id(upload->call->request)),
                  log_text("trace", upload->call->trace.id), log_err(err));
    }
    on_done(upload, NULL);
}

static enum upload_state do_undo(struct upload *upload)
{
    failpoint("upload.undoing");
    if (upload->err.code == ERR_DATABASE || upload->err.code == ERR_SHUTDOWN) {
        leftovers_add(upload->service->leftovers, upload->stored_name);
    } else {
        upload->pending++;
        storage_remove(upload->service->storage, upload->stored_name, on_removed, upload);
    }
    return UPLOAD_OVER;
}

/* A fault of the file is told as a fault of its field too. */
static void refuse(struct request *request, const struct err *err, json_t *errors)
{
    static const enum err_code of_file[] = {
        ERR_NO_FILE,   ERR_FILE_TOO_LARGE, ERR_UNSUPPORTED_EXTENSION, ERR_UNSUPPORTED_FORMAT,
        ERR_TOO_SMALL, ERR_TOO_LARGE,      ERR_INVALID_IMAGE};
    for (size_t i = 0; i < sizeof(of_file) / sizeof(of_file[0]); i++) {
        if (err->code == of_file[i]) {
            problem_add(&errors, "image", err_text(err->code));
        }
    }
    problem_answer_fields(request, err, errors);
}

/* The only end. After it the upload is gone. */
static void upload_finish(struct upload *upload)
{
    struct call *call = upload->call;
    json_t *errors = upload->form ? upload_form_take_errors(upload->form) : NULL;
    admission_leave(&upload->share);
    upload_form_release(upload->form);
    file_check_release(&upload->check);
    if (upload->file != NULL) {
        storage_abort(upload->file);
        upload->file = NULL;
    }
    if (upload->err.code == ERR_STORAGE || upload->err.code == ERR_STORAGE_FULL) {
        storage_trouble_see(&upload->service->storage_trouble, &upload->err);
    }
    if (upload->err.code != ERR_NONE) {
        refuse(call->request, &upload->err, errors);
        return;
    }
    response_header(call->request, "Location", view_image_url(call->arena, call->base_url, &upload->image));
    answer_json(call->request, 201, view_image(call->arena, call->base_url, &upload->image));
}

/* What each state does, and where it goes instead where what the state before it started has failed. */
static const struct {
    enum upload_state (*run)(struct upload *upload);
    enum upload_state failed;
} states[] = {
    [UPLOAD_PRODUCT] = {do_product, UPLOAD_OVER}, [UPLOAD_BEGIN] = {do_begin, UPLOAD_OVER},
    [UPLOAD_BODY] = {do_body, UPLOAD_OVER},       [UPLOAD_PIECE] = {do_piece, UPLOAD_OVER},
    [UPLOAD_COMMIT] = {do_commit, UPLOAD_OVER},   [UPLOAD_ROW] = {do_row, UPLOAD_OVER},
    [UPLOAD_PUSH] = {do_push, UPLOAD_UNDO},       [UPLOAD_WAIT] = {do_wait, UPLOAD_OVER},
    [UPLOAD_UNDO] = {do_undo, UPLOAD_OVER},
};

/* The only writer of the state. Each call that is waited for has a deadline of its own: the body's is the HTTP layer's. */
static void upload_set_state(struct upload *upload, enum upload_state state)
{
    upload->state = state;
}

static void upload_step(struct upload *upload)
{
    if (upload->is_stepping) {
        return;
    }
    upload->is_stepping = true;
    while (upload->pending == 0 && upload->state != UPLOAD_OVER) {
        bool has_failed = upload->err.code != ERR_NONE && upload->state != UPLOAD_UNDO;
        upload_set_state(upload,
                         has_failed ? states[upload->state].failed : states[upload->state].run(upload));
    }
    upload->is_stepping = false;
    if (upload->pending == 0 && upload->state == UPLOAD_OVER) {
        upload_finish(upload);
    }
}

void upload_image(struct call *call)
{
    struct service *service = call->service;
    struct upload *upload = arena_alloc(call->arena, sizeof(*upload));
    upload->call = call;
    upload->service = service;
    if (admit_upload(call, &upload->share)) {
        return;
    }
    file_check_init(&upload->check, &service->limits);
    upload_step(upload);
}
