// SPDX-License-Identifier: Apache-2.0
#include "common/base/alloc.h"

void *alloc_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size > 0 ? size : 1);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

char *alloc_string(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        abort();
    }
    return copy;
}
