// SPDX-License-Identifier: Apache-2.0
/*
 * Reading products: the list, and one. Each comes with the first of its images, asked for all at once.
 */
#include "api/handler/service.h"
#include "api/route/answer.h"
#include "api/route/paging.h"
#include "api/route/params.h"
#include "api/route/problem.h"
#include "api/route/view.h"
#include "common/base/arena.h"
#include "common/db/db_image.h"
#include "common/db/db_product.h"

enum { PRODUCT_IMAGES = 50 };

struct product_read;

/* The images of one product. */
struct product_images {
    struct product_read *read;
    struct db_image_page page;
    struct db_image *list;
    size_t count;
};

/* One read; in the request's arena. */
struct product_read {
    struct call *call;
    bool is_list;
    struct paging paging;
    struct db_product one;
    struct db_product *products;
    size_t count;
    bool has_more;
    struct product_images *images; /* `count` of them */
    size_t pending;
    struct err err; /* the first that went wrong */
};

static json_t *view(const struct product_read *read, size_t i)
{
    struct call *call = read->call;
    return view_product(call->arena, call->base_url, &read->products[i], read->images[i].list,
                        read->images[i].count);
}

static void answer_list(struct product_read *read)
{
    struct call *call = read->call;
    json_t *results = json_array();
    for (size_t i = 0; i < read->count; i++) {
        json_array_append_new(results, view(read, i));
    }
    struct paging_place place = {0, "", 0};
    if (read->has_more) {
        place.id = read->products[read->count - 1].id;
    }
    const char *url = arena_format(call->arena, "%s/api/products/", call->base_url);
    json_t *body = paging_answer(call->arena, url, "products", read->paging.limit,
                                 read->has_more ? &place : NULL, results);
    answer_json(call->request, 200, body);
}

static void finish(struct product_read *read)
{
    if (read->err.code != ERR_NONE) {
        problem_answer(read->call->request, &read->err);
    } else if (read->is_list) {
        answer_list(read);
    } else {
        answer_json(read->call->request, 200, view(read, 0));
    }
}

static void on_images(void *owner, const struct err *err)
{
    struct product_read *read = ((struct product_images *)owner)->read;
    if (err != NULL && read->err.code == ERR_NONE) {
        read->err = *err;
    }
    if (--read->pending == 0) {
        finish(read);
    }
}

/* Asks for the images of all products that were read; with none there is nothing to wait for. */
static void ask_images(struct product_read *read)
{
    struct call *call = read->call;
    if (read->count == 0) {
        finish(read);
        return;
    }
    read->pending = read->count;
    read->images = arena_alloc(call->arena, read->count * sizeof(*read->images));
    for (size_t i = 0; i < read->count; i++) {
        struct product_images *images = &read->images[i];
        images->read = read;
        images->page = (struct db_image_page){.slug = read->products[i].slug, .limit = PRODUCT_IMAGES};
        db_image_list(call->service->db, call->arena, &images->page, &images->list, &images->count, on_images,
                      images);
    }
}

static void on_product(void *owner, const struct err *err)
{
    struct product_read *read = owner;
    if (err != NULL) {
        problem_answer(read->call->request, err);
        return;
    }
    read->products = &read->one;
    read->count = 1;
    ask_images(read);
}

void product_get(struct call *call)
{
    struct product_read *read = arena_alloc(call->arena, sizeof(*read));
    read->call = call;
    db_product_get(call->service->db, call->arena, params_text(call, "slug"), &read->one, on_product, read);
}

/* The list was read one row longer than the page, to know whether there is a next one. */
static void on_products(void *owner, const struct err *err)
{
    struct product_read *read = owner;
    if (err != NULL) {
        problem_answer(read->call->request, err);
        return;
    }
    read->has_more = read->count > read->paging.limit;
    if (read->has_more) {
        read->count = read->paging.limit;
    }
    ask_images(read);
}

void product_list(struct call *call)
{
    struct product_read *read = arena_alloc(call->arena, sizeof(*read));
    struct err err;
    json_t *errors = NULL;
    read->call = call;
    read->is_list = true;
    if (paging_read(call->arena, request_query(call->request), "products", &read->paging, &errors, &err)) {
        problem_answer_fields(call->request, &err, errors);
        return;
    }
    db_product_list(call->service->db, call->arena, read->paging.has_after ? read->paging.after.id : 0,
                    read->paging.limit + 1, &read->products, &read->count, on_products, read);
}
