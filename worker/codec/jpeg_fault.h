// SPDX-License-Identifier: Apache-2.0
/*
 * How libjpeg's failures come back: its error manager with a place to jump to. After jpeg_fault_init, the caller sets
 * `if (setjmp(fault.back) != 0) { ... }` in the function that makes the calls, before it makes them.
 */
#ifndef PIXMILL_CODEC_JPEG_FAULT_H
#define PIXMILL_CODEC_JPEG_FAULT_H

#include "common/base/err.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

struct jpeg_fault {
    struct jpeg_error_mgr manager; /* first: libjpeg hands it back; num_warnings counts the warnings */
    jmp_buf back;
    enum err_code code;         /* ERR_OUT_OF_MEMORY, what jpeg_fault_raise was given, or ERR_NONE */
    char text[JMSG_LENGTH_MAX]; /* what the failure was */
};

/* Sets a manager up that prints nothing. The answer goes to jpeg->err; it is a part of *fault. */
struct jpeg_error_mgr *jpeg_fault_init(struct jpeg_fault *fault);

/* Fails from within a callback of libjpeg, as libjpeg itself would. */
_Noreturn void jpeg_fault_raise(j_common_ptr codec, enum err_code code, const char *text);

/* Sets *err after a jump; `code` is for failures that libjpeg found by itself. what: what was being done. Returns -1. */
int jpeg_fault_err(const struct jpeg_fault *fault, enum err_code code, const char *what, struct err *err);

#endif
