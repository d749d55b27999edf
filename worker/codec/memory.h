// SPDX-License-Identifier: Apache-2.0
/*
 * How much memory the process has held at most. getrusage(2) would count what the parent held when it forked; the kernel's
 * status file does not, but has to be opened before the cage closes.
 */
#ifndef PIXMILL_CODEC_MEMORY_H
#define PIXMILL_CODEC_MEMORY_H

#include <stdint.h>

/* Opens the process' status file; the caller keeps the descriptor. Returns -1 where /proc is not there. */
int memory_open(void);

/* The most bytes that were resident so far, by a descriptor of memory_open or -1. 0 where nobody knows. */
int64_t memory_peak_bytes(int status_fd);

#endif
