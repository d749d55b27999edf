// SPDX-License-Identifier: Apache-2.0
/*
 * The cage of a codec process. In order: sandbox_begin before any library or thread starts, sandbox_close when all is warm,
 * sandbox_prove before the first byte of input.
 */
#ifndef PIXMILL_CODEC_SANDBOX_H
#define PIXMILL_CODEC_SANDBOX_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Gives up what a codec never needs: new privileges, core files, descriptors, memory beyond memory_bytes (data and stacks; not
 * in a sanitizer build, whose shadow is larger than any limit), and by Landlock every file, TCP port and abstract socket.
 * *has_landlock tells whether the kernel has it. Returns 0, or -1 with ERR_INTERNAL.
 */
int sandbox_begin(int64_t memory_bytes, bool *has_landlock, struct err *err) MUST_CHECK;

/*
 * Lets every thread of the process make only the system calls that decoding needs; others fail with EPERM. Returns 0, or -1
 * with ERR_INTERNAL where the kernel lacks seccomp.
 */
int sandbox_close(struct err *err) MUST_CHECK;

/* Tries to open a file, make a socket, start a program and map executable memory. Returns 0 where all fail, else -1 with *err. */
int sandbox_prove(struct err *err) MUST_CHECK;

#endif
