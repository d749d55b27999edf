// SPDX-License-Identifier: Apache-2.0
/*
 * Reading products: the list, and one. Each comes with the first of its images and its primary one, asked for by one question. A
 * list is written product by product, between other clients' turns.
 */
#include "api/handler/service.h"
#include "api/route/answer.h"
#include "api/route/paging.h"
#include "api/route/params.h"
#include "api/route/problem.h"
#include "api/route/view.h"
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/db/db_image.h"
#include "common/db/db_product.h"
#include "common/net/loop.h"

#include <stdlib.h>
#include <string.h>

enum {
    PRODUCT_IMAGES = 50,
    LIST_MOST_BYTES = 256 * 1024 * 1024 /* 200 products with all that they may say take less */
};

/* One read; in the request's arena. */
struct product_read {
    struct call *call;
    bool is_list;
    struct paging paging;
    struct paging_cut cut;
    struct db_product one;
    struct db_product *products; /* of the page: cut.count of them */
    struct db_gallery *galleries;
    struct buf text; /* owned; the products that are written, with commas between them */
    size_t written;
    struct loop_later turn;
};

static json_t *view(const struct product_read *read, size_t i)
{
    struct call *call = read->call;
    return view_product(call->arena, call->base_url, &read->products[i], &read->galleries[i]);
}

static void answer_list(struct product_read *read)
{
    struct call *call = read->call;
    struct request *request = call->request;
    struct buf text;
    if (read->cut.count > 0) {
        read->cut.start = (struct paging_place){0, "", read->products[0].id};
        read->cut.end = (struct paging_place){0, "", read->products[read->cut.count - 1].id};
    }
    const char *url = arena_format(call->arena, "%s/api/products/", call->base_url);
    json_t *frame = paging_answer(call->arena, url, "products", &read->paging, &read->cut, json_array());
    char *around = json_dumps(frame, JSON_COMPACT);
    json_decref(frame);
    if (around == NULL) {
        abort(); /* out of memory: every string in our JSON is UTF-8 */
    }
    size_t before = strlen(around) - strlen("]}"); /* the list is its last member */
    buf_init(&text, before + read->text.used + strlen("]}"));
    int failed = buf_add(&text, around, before);
    failed |= buf_add(&text, read->text.data, read->text.used);
    failed |= buf_add(&text, "]}", 2);
    free(around);
    buf_release(&read->text);
    if (failed) {
        problem_answer_code(request, ERR_OVERLOADED);
    } else {
        answer(request, 200, "application/json", text.data, text.used);
    }
    buf_release(&text);
}

/* One product: a page of 200 with 50 images each is megabytes of text, and others have their turn meanwhile. */
static void on_turn(void *owner)
{
    struct product_read *read = owner;
    if (read->written == read->cut.count) {
        answer_list(read);
        return;
    }
    json_t *product = view(read, read->written);
    char *text = json_dumps(product, JSON_COMPACT);
    json_decref(product);
    if (text == NULL) {
        abort(); /* out of memory: every string in our JSON is UTF-8 */
    }
    int failed = read->written > 0 ? buf_add(&read->text, ",", 1) : 0;
    failed |= buf_add(&read->text, text, strlen(text));
    free(text);
    read->written++;
    if (failed) {
        buf_release(&read->text);
        problem_answer_code(read->call->request, ERR_OVERLOADED);
        return;
    }
    loop_call_later(read->call->service->loop, &read->turn, on_turn, read);
}

static void write_list(struct product_read *read)
{
    buf_init(&read->text, LIST_MOST_BYTES);
    loop_call_later(read->call->service->loop, &read->turn, on_turn, read);
}

static void on_galleries(void *owner, const struct err *err)
{
    struct product_read *read = owner;
    if (err != NULL) {
        problem_answer(read->call->request, err);
    } else if (read->is_list) {
        write_list(read);
    } else {
        answer_json(read->call->request, 200, view(read, 0));
    }
}

/* Asks for the images of all products that were read; with none there is nothing to wait for. */
static void ask_galleries(struct product_read *read)
{
    struct call *call = read->call;
    if (read->cut.count == 0) {
        write_list(read);
        return;
    }
    read->galleries = arena_alloc(call->arena, read->cut.count * sizeof(*read->galleries));
    for (size_t i = 0; i < read->cut.count; i++) {
        read->galleries[i].product = read->products[i].id;
    }
    db_image_list_galleries(call->service->db, call->arena, read->galleries, read->cut.count, PRODUCT_IMAGES,
                            on_galleries, read);
}

static void on_product(void *owner, const struct err *err)
{
    struct product_read *read = owner;
    if (err != NULL) {
        problem_answer(read->call->request, err);
        return;
    }
    read->products = &read->one;
    read->cut.count = 1;
    ask_galleries(read);
}

void product_get(struct call *call)
{
    struct product_read *read = arena_alloc(call->arena, sizeof(*read));
    read->call = call;
    db_product_get(call->service->db, call->arena, params_text(call, "slug"), &read->one, on_product, read);
}

static void on_products(void *owner, const struct err *err)
{
    struct product_read *read = owner;
    if (err != NULL) {
        problem_answer(read->call->request, err);
        return;
    }
    read->cut = paging_cut(&read->paging, read->cut.count);
    read->products += read->cut.first;
    ask_galleries(read);
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
    struct db_product_page page = {
        .has_place = read->paging.has_place,
        .is_backward = read->paging.is_backward,
        .id = read->paging.place.id,
        .limit = read->paging.limit + 1,
    };
    db_product_list(call->service->db, call->arena, &page, &read->products, &read->cut.count, on_products,
                    read);
}
