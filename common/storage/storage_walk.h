// SPDX-License-Identifier: Apache-2.0
/*
 * Listing what is stored, in pages, without ever holding more than a page's names of one folder. Blocking; any thread. Inside
 * storage only.
 */
#ifndef PIXMILL_STORAGE_STORAGE_WALK_H
#define PIXMILL_STORAGE_STORAGE_WALK_H

#include "common/storage/storage_root.h"

#include <stddef.h>
#include <stdint.h>

struct storage_found {
    char name[IMAGE_NAME_BYTES];
    int64_t bytes;
    int64_t changed_us; /* when it was last written or named, by the storage's clock */
};

/*
 * Fills up to `limit` (> 0) files whose names come after `after`, in the order of their names' bytes; fewer only where there are no
 * more. Files that come and go meanwhile are in it or not. Returns 0, or -1 with ERR_STORAGE.
 */
int storage_walk(const struct storage_root *root, const char *after, size_t limit, struct storage_found *out,
                 size_t *count, struct err *err) MUST_CHECK;

#endif
