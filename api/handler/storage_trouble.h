// SPDX-License-Identifier: Apache-2.0
/*
 * Tells the operator once that the storage refuses what clients send (a full disk, a quota, a broken or read-only file system), and
 * once that it takes it again, beside the line that each request has in the log anyway.
 */
#ifndef PIXMILL_HANDLER_STORAGE_TROUBLE_H
#define PIXMILL_HANDLER_STORAGE_TROUBLE_H

#include "common/base/err.h"

#include <stdint.h>

/* Zero-initialized: there is none. */
struct storage_trouble {
    bool is_on;
    uint64_t since_us; /* monotonic */
    int64_t refused;   /* uploads, since then */
};

/* An upload was refused for it. */
void storage_trouble_see(struct storage_trouble *trouble, const struct err *err);

/* An upload was stored. */
void storage_trouble_end(struct storage_trouble *trouble);

#endif
