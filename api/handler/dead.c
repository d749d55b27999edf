// SPDX-License-Identifier: Apache-2.0
/*
 * The list of dead letters.
 */
#include "api/handler/dead_filter.h"
#include "api/handler/service.h"
#include "api/http/request.h"
#include "api/route/answer.h"
#include "api/route/call.h"
#include "api/route/paging.h"
#include "api/route/problem.h"
#include "common/base/arena.h"

static const char list_name[] = "dead letters";

/* One page; in the request's arena. */
struct dead_read {
    struct call *call;
    struct paging paging;
    struct db_dead_page page;
    struct db_dead *letters;
    size_t count;
};

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *number_or_null(int64_t number)
{
    return number ? json_integer(number) : json_null();
}

static json_t *letter_json(const struct db_dead *letter)
{
    json_t *body = json_object();
    json_object_set_new(body, "id", json_integer(letter->id));
    json_object_set_new(body, "job", text_or_null(letter->job));
    json_object_set_new(body, "image", number_or_null(letter->image));
    json_object_set_new(body, "generation", number_or_null(letter->generation));
    json_object_set_new(body, "reason", text_or_null(letter->reason));
    json_object_set_new(body, "detail", text_or_null(letter->sentence));
    json_object_set_new(body, "attempts", json_integer(letter->attempts));
    json_object_set_new(body, "crashes", json_integer(letter->crashes));
    json_object_set_new(body, "enqueued_at", text_or_null(letter->enqueued_at));
    json_object_set_new(body, "buried_at", text_or_null(letter->buried_at));
    return body;
}

static struct paging_place place_of(const struct db_dead *letter)
{
    return (struct paging_place){.uploaded_at = "", .id = letter->id};
}

static void on_list(void *owner, const struct err *err)
{
    struct dead_read *read = owner;
    struct call *call = read->call;
    if (err != NULL) {
        problem_answer(call->request, err);
        return;
    }
    struct paging_cut cut = paging_cut(&read->paging, read->count);
    const struct db_dead *letters = read->letters + cut.first;
    json_t *results = json_array();
    for (size_t i = 0; i < cut.count; i++) {
        json_array_append_new(results, letter_json(&letters[i]));
    }
    if (cut.count > 0) {
        cut.start = place_of(&letters[0]);
        cut.end = place_of(&letters[cut.count - 1]);
    }
    const char *url = arena_format(call->arena, "%s/api/queue/dead/%s", call->base_url,
                                   dead_filter_query(call->arena, &read->page.filter));
    answer_json(call->request, 200, paging_answer(call->arena, url, list_name, &read->paging, &cut, results));
}

void dead_list(struct call *call)
{
    static const char *const others[] = {"limit", "cursor", NULL};
    struct dead_read *read = arena_alloc(call->arena, sizeof *read);
    const char *query = request_query(call->request);
    struct err err;
    json_t *errors = NULL;
    read->call = call;
    if (paging_read(call->arena, query, list_name, &read->paging, &errors, &err) ||
        dead_filter_of_query(call->arena, query, others, &read->page.filter, &errors, &err)) {
        problem_answer_fields(call->request, &err, errors);
        return;
    }
    read->page.place = read->paging.has_place ? read->paging.place.id : 0;
    read->page.is_backward = read->paging.is_backward;
    read->page.limit = read->paging.limit + 1;
    db_dead_list(call->service->db, call->arena, &read->page, &read->letters, &read->count, on_list, read);
}
