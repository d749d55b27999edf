// SPDX-License-Identifier: Apache-2.0
/*
 * Points at which a process of a test build dies or a call fails, to prove that nothing is lost by it. Where the build has no
 * PIXMILL_FAILPOINTS (all but the dev preset), they are nothing.
 *
 *     failpoint("upload.committed");                     dies here, as by kill -9, where armed
 *     if (failpoint_fails("storage.write", &errnum))     takes the error's way, where armed
 *
 * Armed by the setting PIXMILL_FAILPOINT: points separated by commas, each NAME (dies at the first pass), NAME@N (at the N-th),
 * or NAME=ERRNO:/PATH (fails with that errno, "ENOSPC", "EIO", "EROFS", while a file is at PATH), or NAME=HANG:/PATH (does not go on
 * while a file is there, as a call to a disk that does not answer).
 */
#ifndef PIXMILL_BASE_FAILPOINT_H
#define PIXMILL_BASE_FAILPOINT_H

#include "common/base/err.h"

#include <stdbool.h>

/* Arms points; once, at the start of a process, before threads. Returns 0, or -1 with ERR_CONFIG where spec can't be read, or is not empty
 * and this build has no failpoints. */
int failpoint_arm(const char *spec, struct err *err) MUST_CHECK;

#ifdef PIXMILL_FAILPOINTS
/* Behind failpoint(): ends the process where this point is armed and this is its pass. Any thread. */
void failpoint_pass(const char *name);

/* True, with *errnum set, where this point is armed with an error and its file is there now. Any thread. */
bool failpoint_fails(const char *name, int *errnum);

#define failpoint(name) failpoint_pass(name)
#else
#define failpoint(name)               ((void)0)
#define failpoint_fails(name, errnum) ((void)(errnum), false)
#endif

#endif
