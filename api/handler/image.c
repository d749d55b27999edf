// SPDX-License-Identifier: Apache-2.0
/*
 * Reading images: the list of a product's, and one.
 */
#include "api/handler/service.h"
#include "api/handler/settle.h"
#include "api/http/query.h"
#include "api/route/answer.h"
#include "api/route/paging.h"
#include "api/route/params.h"
#include "api/route/problem.h"
#include "api/route/view.h"
#include "common/base/arena.h"
#include "common/db/db_image.h"
#include "common/db/db_product.h"

/* One read; in the request's arena. */
struct image_read {
    struct call *call;
    const char *slug; /* NULL: of any product */
    struct db_image image;
    struct db_product product;
    struct paging paging;
    struct db_image_page page;
    struct db_image *list;
    size_t count;
};

static void answer_image(struct image_read *read)
{
    struct call *call = read->call;
    answer_json(call->request, 200, view_image(call->arena, call->base_url, &read->image));
}

static void on_settled(void *owner, const struct err *err)
{
    struct image_read *read = owner;
    if (err != NULL) {
        problem_answer(read->call->request, err);
        return;
    }
    answer_image(read);
}

static void on_image(void *owner, const struct err *err)
{
    struct image_read *read = owner;
    int seconds = settle_seconds(read->call->request);
    if (err != NULL) {
        problem_answer(read->call->request, err);
    } else if (seconds > 0) {
        settle_wait(read->call, &read->image, seconds, on_settled, read);
    } else {
        answer_image(read);
    }
}

static void image_read_one(struct call *call, const char *slug)
{
    struct err err;
    int64_t id = 0;
    if (params_id(call, "id", &id, &err)) {
        problem_answer(call->request, &err);
        return;
    }
    struct image_read *read = arena_alloc(call->arena, sizeof(*read));
    read->call = call;
    db_image_get(call->service->db, call->arena, id, slug, &read->image, on_image, read);
}

void image_get(struct call *call)
{
    image_read_one(call, params_text(call, "slug"));
}

void image_get_any(struct call *call)
{
    image_read_one(call, NULL);
}

/* The list was read one row longer than the page, to know whether there is a next one. */
static void on_list(void *owner, const struct err *err)
{
    struct image_read *read = owner;
    struct call *call = read->call;
    if (err != NULL) {
        problem_answer(call->request, err);
        return;
    }
    bool has_more = read->count > read->paging.limit;
    size_t count = has_more ? read->paging.limit : read->count;
    json_t *results = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(results, view_image(call->arena, call->base_url, &read->list[i]));
    }
    struct paging_place place = {0};
    if (has_more) {
        const struct db_image *last = &read->list[count - 1];
        place = (struct paging_place){last->order, last->uploaded_at, last->id};
    }
    const char *url = arena_format(call->arena, "%s/api/products/%s/images/", call->base_url,
                                   query_encode(call->arena, read->slug));
    const char *list = arena_format(call->arena, "images of %s", read->slug);
    answer_json(call->request, 200,
                paging_answer(call->arena, url, list, read->paging.limit, has_more ? &place : NULL, results));
}

/* An empty list is no proof of the product: it is asked for. */
static void on_product(void *owner, const struct err *err)
{
    struct image_read *read = owner;
    struct call *call = read->call;
    if (err != NULL) {
        problem_answer(call->request, err);
        return;
    }
    read->page = (struct db_image_page){
        .slug = read->slug,
        .has_after = read->paging.has_after,
        .after_order = read->paging.after.order,
        .after_uploaded_at = read->paging.after.uploaded_at,
        .after_id = read->paging.after.id,
        .limit = read->paging.limit + 1,
    };
    db_image_list(call->service->db, call->arena, &read->page, &read->list, &read->count, on_list, read);
}

void image_list(struct call *call)
{
    struct image_read *read = arena_alloc(call->arena, sizeof(*read));
    struct err err;
    json_t *errors = NULL;
    read->call = call;
    read->slug = params_text(call, "slug");
    const char *list = arena_format(call->arena, "images of %s", read->slug);
    if (paging_read(call->arena, request_query(call->request), list, &read->paging, &errors, &err)) {
        problem_answer_fields(call->request, &err, errors);
        return;
    }
    db_product_get(call->service->db, call->arena, read->slug, &read->product, on_product, read);
}
