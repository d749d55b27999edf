// SPDX-License-Identifier: Apache-2.0
/*
 * A file that has no name of its own yet: written, then named or dropped; its process' death drops it too. Blocking; any thread, one at a time for
 * each file. Inside storage only.
 */
#ifndef PIXMILL_STORAGE_STORAGE_TEMP_H
#define PIXMILL_STORAGE_STORAGE_TEMP_H

#include "common/base/err.h"
#include "common/base/random.h"
#include "common/storage/storage_root.h"

#include <stddef.h>
#include <stdint.h>

struct storage_temp {
    int fd;                       /* -1 once closed */
    char name[RANDOM_UUID_BYTES]; /* in .tmp of the root; "" where it needs none */
};

/* Makes an empty one. Ended by one of storage_temp_commit and storage_temp_drop. Returns 0, or -1 with ERR_STORAGE. */
int storage_temp_make(struct storage_root *root, struct storage_temp *temp, struct err *err) MUST_CHECK;

/* Adds bytes. Returns 0, or -1 with ERR_STORAGE. */
int storage_temp_write(struct storage_temp *temp, const void *data, size_t bytes, struct err *err) MUST_CHECK;

/* Adds the first `bytes` bytes of a file. Returns 0, or -1 with ERR_STORAGE, or ERR_INTERNAL where it has fewer. */
int storage_temp_copy(struct storage_temp *temp, int from, int64_t bytes, struct err *err) MUST_CHECK;

/* Waits until the bytes are on the disk. Returns 0, or -1 with ERR_STORAGE. */
int storage_temp_sync(struct storage_temp *temp, struct err *err) MUST_CHECK;

/*
 * Makes the file durable under a name, and ends the temp file either way. Returns 0, or -1 with ERR_STORAGE, or with
 * ERR_INTERNAL for a name that storage_root_takes refuses; then nothing is kept.
 */
int storage_temp_commit(struct storage_root *root, struct storage_temp *temp, const char *name,
                        struct err *err) MUST_CHECK;

/*
 * Tells what time it is by the clock that dates the stored files, which may be another machine's: no file's age follows from the clock of
 * this process. Returns 0, or -1 with ERR_STORAGE.
 */
int storage_temp_now(struct storage_root *root, int64_t *now_us, struct err *err) MUST_CHECK;

/* Closes and removes it. */
void storage_temp_drop(struct storage_root *root, struct storage_temp *temp);

#endif
