// SPDX-License-Identifier: Apache-2.0
/*
 * What a client writes into a query and two headers: limit and cursor, Prefer, and Authorization. The first byte chooses which. A
 * cursor that is taken must be made again of the place that it names.
 */
#include "api/route/auth.h"
#include "api/route/paging.h"
#include "api/route/params.h"
#include "common/base/arena.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void try_page(struct arena *arena, const char *query)
{
    struct paging paging;
    struct err err = {0};
    json_t *errors = NULL;
    if (paging_read(arena, query, "list", &paging, &errors, &err) != 0) {
        assert(errors != NULL && err.code == ERR_INVALID);
    } else {
        assert(errors == NULL && paging.limit >= 1 && paging.limit <= PAGING_MAX_LIMIT);
        if (paging.has_place) {
            struct paging again;
            const char *cursor = paging_cursor(arena, "list", &paging.place, paging.is_backward);
            int status =
                paging_read(arena, arena_format(arena, "cursor=%s", cursor), "list", &again, &errors, &err);
            assert(status == 0 && again.place.id == paging.place.id &&
                   again.place.order == paging.place.order && again.is_backward == paging.is_backward);
        }
    }
    json_decref(errors);
}

static void try_key(const char *value)
{
    char public_part[DB_KEY_PUBLIC_BYTES];
    unsigned char sha256[DIGEST_BYTES];
    if (auth_read(value, public_part, sha256, NULL) == 0) {
        assert(strlen(public_part) == DB_KEY_PUBLIC_BYTES - 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0) {
        return 0;
    }
    struct arena *arena = arena_new();
    const char *text = arena_copy(arena, data + 1, bytes - 1);
    switch (data[0] % 3) {
    case 0:
        try_page(arena, text);
        break;
    case 1: {
        int seconds = params_wait_of_prefer(text, 30);
        assert(seconds >= -1 && seconds <= 30);
        break;
    }
    default:
        try_key(text);
    }
    arena_free(arena);
    return 0;
}
