// SPDX-License-Identifier: Apache-2.0
#include "api/handler/upload_form.h"

#include "api/http/multipart.h"
#include "api/http/query.h"
#include "api/route/problem.h"
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/text.h"
#include "common/image/image_format.h"

#include <string.h>
#include <strings.h>

/* 200 characters of UTF-8 at their longest, and enough over it to tell that there were more. */
enum { TEXT_MAX_BYTES = IMAGE_TEXT_CHARACTERS * 4 + 4 };

enum form_part { PART_IGNORED, PART_FILE, PART_TEXT };

struct upload_form {
    struct arena *arena;         /* the request's */
    struct multipart *multipart; /* NULL: the body is the file */
    struct image_fields fields;
    json_t *errors;      /* owned */
    enum form_part part; /* that is being read */
    const char *name;    /* of a text part */
    struct buf text;
    bool has_file;
    struct err err;   /* why an event stopped the reading; code ERR_NONE: it did not */
    const char *file; /* bytes of the file that an event found */
    size_t file_bytes;
};

static void refuse(struct upload_form *form, enum err_code code, const char *sentence)
{
    (void)err_set(&form->err, code, "%s", sentence);
}

/* The part named `image`. A browser sends an empty file name where nothing was chosen. */
static void begin_file(struct upload_form *form, const struct multipart_part *part)
{
    if (form->has_file) {
        problem_add(&form->errors, "image", "Only one file can be sent here.");
        refuse(form, ERR_INVALID, "a second file");
    } else if (part->file_name == NULL) {
        refuse(form, ERR_NO_FILE, "the field image is no file");
    } else if (*part->file_name != '\0' && !image_format_accepts_name(part->file_name)) {
        refuse(form, ERR_UNSUPPORTED_EXTENSION, "the file's extension");
    } else {
        form->has_file = *part->file_name != '\0';
        form->part = form->has_file ? PART_FILE : PART_IGNORED;
    }
}

static bool on_part(void *owner, const struct multipart_part *part)
{
    struct upload_form *form = owner;
    form->part = PART_IGNORED;
    if (strcmp(part->name, "image") == 0) {
        begin_file(form, part);
    } else if (params_is_image_field(part->name)) {
        form->part = PART_TEXT;
        form->name = arena_string(form->arena, part->name);
        buf_drop(&form->text, form->text.used);
    }
    return form->err.code == ERR_NONE;
}

static bool on_data(void *owner, const char *data, size_t bytes)
{
    struct upload_form *form = owner;
    if (form->part == PART_FILE) {
        form->file = data;
        form->file_bytes = bytes;
        return bytes == 0;
    }
    if (form->part == PART_TEXT && buf_add(&form->text, data, bytes)) {
        problem_add(&form->errors, form->name, "This value is too long.");
        form->part = PART_IGNORED;
    }
    return true;
}

static bool on_part_end(void *owner)
{
    struct upload_form *form = owner;
    if (form->part == PART_TEXT) {
        const char *text = form->text.used ? form->text.data : "";
        if (strlen(text) != form->text.used) {
            problem_add(&form->errors, form->name, "Null characters are not allowed.");
        } else {
            params_image_field(form->arena, &form->fields, form->name, text, &form->errors);
        }
    }
    form->part = PART_IGNORED;
    return true;
}

static void read_query(struct upload_form *form, const char *query)
{
    static const char *const names[] = {"alt_text", "caption", "is_primary", "order"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *text = query_value(form->arena, query, names[i]);
        if (text != NULL) {
            params_image_field(form->arena, &form->fields, names[i], text, &form->errors);
        }
    }
}

static bool is_raw_type(const char *type)
{
    return strncasecmp(type, "image/", 6) == 0 || strncasecmp(type, "application/octet-stream", 24) == 0;
}

struct upload_form *upload_form_new(struct arena *arena, const struct upload_body *body, struct err *err)
{
    static const struct multipart_events events = {on_part, on_data, on_part_end};
    struct upload_form *form = arena_alloc(arena, sizeof(*form));
    form->arena = arena;
    form->fields.alt_text = "";
    form->fields.caption = "";
    if (!body->is_there) {
        (void)err_set(err, ERR_NO_FILE, "no body");
        return NULL;
    }
    if (body->content_type == NULL) {
        (void)err_set(err, ERR_UNSUPPORTED_MEDIA_TYPE, "no Content-Type");
        return NULL;
    }
    buf_init(&form->text, TEXT_MAX_BYTES);
    form->has_file = is_raw_type(body->content_type);
    if (form->has_file) {
        read_query(form, body->query);
        return form;
    }
    form->multipart = multipart_new(arena, body->content_type, &events, form, err);
    return form->multipart ? form : NULL;
}

void upload_form_release(struct upload_form *form)
{
    if (form != NULL) {
        buf_release(&form->text);
        json_decref(form->errors);
        form->errors = NULL;
    }
}

bool upload_form_is_raw(const struct upload_form *form)
{
    return form->multipart == NULL;
}

int upload_form_feed(struct upload_form *form, const char **data, size_t *bytes, const char **file,
                     size_t *file_bytes, struct err *err)
{
    size_t taken = *bytes;
    form->file = *data;
    form->file_bytes = *bytes;
    if (form->multipart != NULL) {
        form->file_bytes = 0;
        if (multipart_feed(form->multipart, *data, *bytes, &taken, err)) {
            return -1;
        }
        if (form->err.code != ERR_NONE) {
            *err = form->err;
            return -1;
        }
    }
    *data += taken;
    *bytes -= taken;
    *file = form->file;
    *file_bytes = form->file_bytes;
    return 0;
}

int upload_form_check(const struct upload_form *form, struct err *err)
{
    return form->errors ? err_set(err, ERR_INVALID, "invalid fields") : 0;
}

int upload_form_end(struct upload_form *form, struct err *err)
{
    if (form->multipart != NULL && multipart_end(form->multipart, err)) {
        return -1;
    }
    if (!form->has_file) {
        return err_set(err, ERR_NO_FILE, "no part named image");
    }
    return upload_form_check(form, err);
}

const struct image_fields *upload_form_fields(const struct upload_form *form)
{
    return &form->fields;
}

json_t *upload_form_take_errors(struct upload_form *form)
{
    json_t *errors = form->errors;
    form->errors = NULL;
    return errors;
}
