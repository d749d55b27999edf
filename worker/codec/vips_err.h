// SPDX-License-Identifier: Apache-2.0
/*
 * libvips keeps one error text for the whole process, and the calls add to it. It is taken, cleared and converted here and
 * nowhere else.
 */
#ifndef PIXMILL_CODEC_VIPS_ERR_H
#define PIXMILL_CODEC_VIPS_ERR_H

#include "common/base/err.h"

/*
 * Sets *err from libvips' text and clears that: ERR_OUT_OF_MEMORY where the text tells of memory, else `code`. what: what was
 * being done. Returns -1.
 */
int vips_err_take(struct err *err, enum err_code code, const char *what);

/* Forgets the text, after a failure that was foreseen. */
void vips_err_clear(void);

#endif
