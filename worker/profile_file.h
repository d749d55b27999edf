// SPDX-License-Identifier: Apache-2.0
/*
 * The profile that a worker is told to use. Read once at the start: files are never read on the loop.
 */
#ifndef PIXMILL_WORKER_PROFILE_FILE_H
#define PIXMILL_WORKER_PROFILE_FILE_H

#include "common/base/err.h"
#include "common/image/profile.h"

/*
 * Reads a profile's file; an empty path gives the built-in profile. Returns 0, or -1 with ERR_CONFIG and a sentence that names
 * PIXMILL_PROFILE, the path and what is wrong there.
 */
int profile_file_read(const char *path, struct profile *profile, struct err *err) MUST_CHECK;

#endif
