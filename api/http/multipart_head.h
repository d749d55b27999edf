// SPDX-License-Identifier: Apache-2.0
/*
 * The words around a form's parts: the boundary in Content-Type, and a part's own header (RFC 2046, 5.1.1; RFC 7578, 4.2; RFC
 * 8187). Pure.
 */
#ifndef PIXMILL_HTTP_MULTIPART_HEAD_H
#define PIXMILL_HTTP_MULTIPART_HEAD_H

#include "api/http/multipart.h"

enum { MULTIPART_BOUNDARY_BYTES = 70 };

/* Reads the boundary of "multipart/form-data; boundary=...". Errors as multipart_new. */
int multipart_read_boundary(const char *content_type, char boundary[MULTIPART_BOUNDARY_BYTES + 1],
                            struct err *err) MUST_CHECK;

/* Reads a part's header: whole lines, with the empty one. text is changed in place. Returns 0, or -1 with ERR_BAD_REQUEST. */
int multipart_read_head(struct arena *arena, char *text, struct multipart_part *part,
                        struct err *err) MUST_CHECK;

#endif
