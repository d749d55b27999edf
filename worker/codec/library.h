// SPDX-License-Identifier: Apache-2.0
/*
 * libvips and GLib, set up for this process: three loaders and one saver reachable, no plug-ins, no cache, one thread at work,
 * messages to our own log.
 */
#ifndef PIXMILL_CODEC_LIBRARY_H
#define PIXMILL_CODEC_LIBRARY_H

#include "common/base/err.h"

/* Sets the libraries up. Once in a process, before any other call of this folder. Returns 0, or -1 with ERR_INTERNAL. */
int library_start(struct err *err) MUST_CHECK;

/*
 * Proves that of all loaders and savers that this build of libvips has, only those four are open. Returns 0, or -1 with
 * ERR_INTERNAL and the name of another.
 */
int library_prove(struct err *err) MUST_CHECK;

#endif
