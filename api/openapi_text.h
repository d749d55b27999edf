// SPDX-License-Identifier: Apache-2.0
/*
 * The text of openapi.yaml, embedded when the program is built.
 */
#ifndef PIXMILL_API_OPENAPI_TEXT_H
#define PIXMILL_API_OPENAPI_TEXT_H

#include <stddef.h>

extern const char openapi_text[]; /* without a NUL at its end */
extern const size_t openapi_text_bytes;

#endif
