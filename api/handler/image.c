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
    const char *list_name; /* what cursors are bound to */
    struct db_image *list;
    size_t count;
};

static struct paging_place place_of(const struct db_image *image)
{
    return (struct paging_place){image->order, image->uploaded_at, image->id};
}

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

static void on_list(void *owner, const struct err *err)
{
    struct image_read *read = owner;
    struct call *call = read->call;
    if (err != NULL) {
        problem_answer(call->request, err);
        return;
    }
    struct paging_cut cut = paging_cut(&read->paging, read->count);
    const struct db_image *images = read->list + cut.first;
    json_t *results = json_array();
    for (size_t i = 0; i < cut.count; i++) {
        json_array_append_new(results, view_image(call->arena, call->base_url, &images[i]));
    }
    if (cut.count > 0) {
        cut.start = place_of(&images[0]);
        cut.end = place_of(&images[cut.count - 1]);
    }
    const char *url = arena_format(call->arena, "%s/api/products/%s/images/", call->base_url,
                                   query_encode(call->arena, read->slug));
    answer_json(call->request, 200,
                paging_answer(call->arena, url, read->list_name, &read->paging, &cut, results));
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
    struct db_image_page page = {
        .slug = read->slug,
        .has_place = read->paging.has_place,
        .is_backward = read->paging.is_backward,
        .order = read->paging.place.order,
        .uploaded_at = read->paging.place.uploaded_at,
        .id = read->paging.place.id,
        .limit = read->paging.limit + 1,
    };
    db_image_list(call->service->db, call->arena, &page, &read->list, &read->count, on_list, read);
}

void image_list(struct call *call)
{
    struct image_read *read = arena_alloc(call->arena, sizeof(*read));
    struct err err;
    json_t *errors = NULL;
    read->call = call;
    read->slug = params_text(call, "slug");
    read->list_name = arena_format(call->arena, "images of %s", read->slug);
    if (paging_read(call->arena, request_query(call->request), read->list_name, &read->paging, &errors,
                    &err)) {
        problem_answer_fields(call->request, &err, errors);
        return;
    }
    db_product_get(call->service->db, call->arena, read->slug, &read->product, on_product, read);
}
