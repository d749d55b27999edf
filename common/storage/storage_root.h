// SPDX-License-Identifier: Apache-2.0
/*
 * The folder that the disk backend keeps its files in, and the ways into it: no name leads out of it, no
 * symbolic link inside it is followed, and a folder that was made is durable before a file is put there.
 * Blocking; any thread. Functions that open return a descriptor, or the negative errno value. Inside storage
 * only.
 *
 * Names must have passed storage_root_takes.
 */
#ifndef PIXMILL_STORAGE_STORAGE_ROOT_H
#define PIXMILL_STORAGE_STORAGE_ROOT_H

#include "common/base/err.h"
#include "common/image/image_name.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum { STORAGE_KNOWN_FOLDERS = 16 };

struct storage_root {
    int fd;          /* of the folder */
    int temp_fd;     /* of its .tmp, for files that have no name yet: the same file system */
    uv_mutex_t lock; /* of the folders below */
    char known[STORAGE_KNOWN_FOLDERS][IMAGE_NAME_BYTES]; /* folders that this process knows to be durable */
    size_t next_known;
};

/* Opens folder dir and its .tmp, and makes what is missing. Returns 0, or -1 with ERR_STORAGE. */
int storage_root_open(struct storage_root *root, const char *dir, struct err *err) MUST_CHECK;

/* Closes what storage_root_open opened. */
void storage_root_release(struct storage_root *root);

/* True for a name that may be stored: safe, and no part of it hidden (which keeps .tmp apart). */
bool storage_root_takes(const char *name);

/* Opens a file by its name for reading. */
int storage_root_open_file(struct storage_root *root, const char *name);

/* Opens the folder of a name. */
int storage_root_open_folder(struct storage_root *root, const char *name);

/* As storage_root_open_folder, but makes what is missing and makes sure that a crash does not take it away
 * again. */
int storage_root_make_folder(struct storage_root *root, const char *name);

/* The last part of a name. */
const char *storage_root_leaf(const char *name);

/* Removes temp files that nobody wrote to for an hour before now_us, of the storage's clock. Returns 0, or -1 with ERR_STORAGE. */
int storage_root_sweep(struct storage_root *root, int64_t now_us, struct err *err) MUST_CHECK;

#endif
