// SPDX-License-Identifier: Apache-2.0
/*
 * Takes an upload's body apart into the bytes of its one file and the fields that go with it. A body is multipart/form-data with the
 * file in the field `image`, or it is the file itself (Content-Type image/... or application/octet-stream), its fields in the query.
 * Pure.
 */
#ifndef PIXMILL_HANDLER_UPLOAD_FORM_H
#define PIXMILL_HANDLER_UPLOAD_FORM_H

#include "api/route/params.h"

#include <jansson.h>

struct upload_form;

/* What a request says of its body. */
struct upload_body {
    const char *content_type; /* NULL where absent */
    const char *query;
    bool is_there;
};

/* A form for a body, in the arena. NULL with ERR_UNSUPPORTED_MEDIA_TYPE, ERR_BAD_REQUEST or ERR_NO_FILE. */
struct upload_form *upload_form_new(struct arena *arena, const struct upload_body *body, struct err *err);

/* Frees what is not the arena's. NULL is allowed. */
void upload_form_release(struct upload_form *form);

/* True where the body is the file itself. */
bool upload_form_is_raw(const struct upload_form *form);

/*
 * Takes bytes off *data until some are of the file: they are then *file, *file_bytes (inside data) and the rest stays for the next
 * call; or until all are taken (*file_bytes 0). Returns 0, or -1 with what is wrong: ERR_BAD_REQUEST, ERR_NO_FILE,
 * ERR_UNSUPPORTED_EXTENSION, ERR_INVALID (see upload_form_take_errors).
 */
int upload_form_feed(struct upload_form *form, const char **data, size_t *bytes, const char **file,
                     size_t *file_bytes, struct err *err) MUST_CHECK;

/* Judges the fields read so far (those of a query at once). Returns 0, or -1 with ERR_INVALID (see upload_form_take_errors). */
int upload_form_check(const struct upload_form *form, struct err *err) MUST_CHECK;

/* Tells that the body has ended. Returns 0, or -1: ERR_BAD_REQUEST, ERR_NO_FILE or ERR_INVALID. */
int upload_form_end(struct upload_form *form, struct err *err) MUST_CHECK;

/* The fields read so far; the texts live in the arena. */
const struct image_fields *upload_form_fields(const struct upload_form *form);

/* What is wrong with fields, handed over to the caller; NULL for nothing. */
json_t *upload_form_take_errors(struct upload_form *form);

#endif
