// SPDX-License-Identifier: Apache-2.0
/*
 * Judges an uploaded file while its bytes go by: its size, its format and sides from the first bytes, and its digest. Pure.
 */
#ifndef PIXMILL_HANDLER_FILE_CHECK_H
#define PIXMILL_HANDLER_FILE_CHECK_H

#include "common/base/digest.h"
#include "common/image/image_head.h"
#include "common/image/limits.h"

struct file_check {
    const struct image_limits *limits; /* the caller's */
    struct image_head head;
    struct digest *digest; /* owned; NULL once the file has ended */
    int64_t bytes;
};

/* Starts a file. Ended by file_check_release. */
void file_check_init(struct file_check *check, const struct image_limits *limits);
void file_check_release(struct file_check *check);

/*
 * Takes the next bytes. Returns 0, or -1 as soon as the file is to be refused: ERR_FILE_TOO_LARGE, ERR_UNSUPPORTED_FORMAT,
 * ERR_INVALID_IMAGE, ERR_TOO_SMALL or ERR_TOO_LARGE.
 */
int file_check_feed(struct file_check *check, const void *data, size_t bytes, struct err *err) MUST_CHECK;

/* Ends the file and writes its digest. Returns 0, or -1 as file_check_feed, with ERR_NO_FILE where there was no byte. */
int file_check_end(struct file_check *check, unsigned char sha256[DIGEST_BYTES], struct err *err) MUST_CHECK;

#endif
