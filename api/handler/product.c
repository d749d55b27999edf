// SPDX-License-Identifier: Apache-2.0
/*
 * Products: create. Where no slug is given, one is made of the name, and made again with a number while it is taken:
 *
 *     body ─► insert ─┬─► 201
 *               ▲     └─ slug taken and not given ─┐
 *               └──────── another slug ◄───────────┘
 */
#include "api/handler/json_body.h"
#include "api/handler/product_form.h"
#include "api/handler/service.h"
#include "api/handler/slug.h"
#include "api/http/response.h"
#include "api/route/answer.h"
#include "api/route/params.h"
#include "api/route/problem.h"
#include "api/route/view.h"
#include "common/base/arena.h"
#include "common/base/random.h"

#include <string.h>

enum {
    SLUG_NUMBERS = 20, /* after that many numbers a random one ends the search */
    SLUG_TRIES = SLUG_NUMBERS + 3
};

/* One creation; in the request's arena. */
struct product_new {
    struct call *call;
    const char *body;
    size_t bytes;
    struct product_form form;
    bool is_slug_given;
    unsigned tries;
    char base[SLUG_BYTES]; /* the slug that the name makes */
    char slug[SLUG_BYTES]; /* the one that is tried */
    struct db_product row;
};

static void on_inserted(void *owner, const struct err *err);

static void insert(struct product_new *creation)
{
    if (!creation->is_slug_given) {
        unsigned number =
            creation->tries < SLUG_NUMBERS ? creation->tries + 1 : 1000 + (unsigned)random_below(1000000000);
        if (creation->tries == 0) {
            memcpy(creation->slug, creation->base, sizeof(creation->slug));
        } else {
            slug_numbered(creation->base, number, creation->slug);
        }
        creation->form.product.slug = creation->slug;
    }
    creation->tries++;
    db_product_insert(creation->call->service->db, creation->call->arena, &creation->form.product,
                      &creation->row, on_inserted, creation);
}

static void on_inserted(void *owner, const struct err *err)
{
    struct product_new *creation = owner;
    struct call *call = creation->call;
    if (err != NULL && err->code == ERR_SLUG_TAKEN && !creation->is_slug_given &&
        creation->tries < SLUG_TRIES) {
        insert(creation);
        return;
    }
    if (err != NULL) {
        json_t *errors = NULL;
        if (err->code == ERR_SLUG_TAKEN) {
            problem_add(&errors, "slug", err_text(err->code));
        }
        problem_answer_fields(call->request, err, errors);
        return;
    }
    const char *url = arena_format(call->arena, "%s/api/products/%s/", call->base_url, creation->row.slug);
    response_header(call->request, "Location", url);
    answer_json(call->request, 201, view_product(call->arena, call->base_url, &creation->row, NULL));
}

static void on_body(void *owner, const struct err *err)
{
    struct product_new *creation = owner;
    struct call *call = creation->call;
    struct err fault;
    if (err != NULL) {
        problem_answer(call->request, err);
        return;
    }
    if (product_form_read(call->arena, creation->body, creation->bytes, &creation->form, &fault)) {
        problem_answer_fields(call->request, &fault, creation->form.errors);
        return;
    }
    creation->is_slug_given = creation->form.product.slug != NULL;
    if (!creation->is_slug_given) {
        slug_of_name(creation->form.product.name, creation->base);
    }
    insert(creation);
}

void product_create(struct call *call)
{
    if (request_has_body(call->request) && !json_body_is_told(call->request)) {
        problem_answer_code(call->request, ERR_UNSUPPORTED_MEDIA_TYPE);
        return;
    }
    struct product_new *creation = arena_alloc(call->arena, sizeof(*creation));
    creation->call = call;
    request_read_whole(call->request, JSON_BODY_MOST_BYTES, &creation->body, &creation->bytes, on_body,
                       creation);
}
