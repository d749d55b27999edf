// SPDX-License-Identifier: Apache-2.0
/*
 * Names of stored files. Pure. Version 1 of the scheme:
 *     products/YYYY/MM/DD/UUID.EXT                     an original
 *     products/FOLDER/YYYY/MM/DD/UUID-gN.EXT           a variant of generation N
 *     products/FOLDER/YYYY/MM/DD/UUID-gN-b.EXT         the same, made in a hurry (with a profile's effort_busy)
 *     products/FOLDER/YYYY/MM/DD/UUID-gN-r.EXT         the same, refined after that
 * A name's bytes never change. Rows keep whole names, so a later scheme can live beside this one.
 */
#ifndef PIXMILL_IMAGE_IMAGE_NAME_H
#define PIXMILL_IMAGE_IMAGE_NAME_H

#include "common/base/err.h"
#include "common/image/image_format.h"

#include <stdint.h>

enum { IMAGE_NAME_BYTES = 160 };

/* Writes the name of a new original of that format, dated by a wall time in UTC. uuid: 36 characters. */
void image_name_original(char out[IMAGE_NAME_BYTES], int64_t wall_us, const char *uuid,
                         enum image_format format);

/*
 * Writes the name of a variant of an original. folder: one path part of [a-z0-9_-]. Returns 0, or -1 with ERR_INTERNAL where
 * `original` is not a name that image_name_original makes.
 */
int image_name_variant(char out[IMAGE_NAME_BYTES], const char *original, const char *folder,
                       int64_t generation, enum image_format format, struct err *err) MUST_CHECK;

/* How a variant was made. Each has names of its own, since its bytes are others. */
enum image_name_pass { IMAGE_NAME_PLAIN, IMAGE_NAME_HURRIED, IMAGE_NAME_REFINED };

/* Turns a name that image_name_variant has made into that of another pass. Names have room for it. */
void image_name_set_pass(char name[IMAGE_NAME_BYTES], enum image_name_pass pass);

/* True for a name of this scheme, as the functions above make them. */
bool image_name_is_ours(const char *name);

/* True for a relative name that is safe to join to a root: parts of [A-Za-z0-9._-], none empty, "." or "..", short enough. */
bool image_name_is_safe(const char *name);

#endif
