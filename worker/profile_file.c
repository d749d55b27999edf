// SPDX-License-Identifier: Apache-2.0
#include "worker/profile_file.h"

#include "common/base/buf.h"
#include "common/image/profile_read.h"

#include <errno.h>

/* At most one byte more than a profile may have, so that a longer one is seen as such. */
static int read_all(FILE *file, struct buf *buf)
{
    char piece[4096];
    size_t got = 0;
    while (buf->used <= PROFILE_READ_MOST_BYTES && (got = fread(piece, 1, sizeof piece, file)) > 0) {
        size_t room = PROFILE_READ_MOST_BYTES + 1 - buf->used;
        if (buf_add(buf, piece, got < room ? got : room) != 0) {
            return -1;
        }
    }
    return ferror(file) ? -1 : 0;
}

int profile_file_read(const char *path, struct profile *profile, struct err *err)
{
    struct buf buf;
    if (path[0] == '\0') {
        *profile = *profile_default();
        return 0;
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return err_set_errno(err, ERR_CONFIG, errno, "PIXMILL_PROFILE: %s can not be opened", path);
    }
    buf_init(&buf, PROFILE_READ_MOST_BYTES + 1);
    int rc = read_all(file, &buf);
    int errnum = errno;
    fclose(file);
    if (rc != 0) {
        err_set_errno(err, ERR_CONFIG, errnum, "PIXMILL_PROFILE: %s can not be read", path);
    } else if (profile_read(buf.data != NULL ? buf.data : "", buf.used, profile, err) != 0) {
        rc = err_context(err, "PIXMILL_PROFILE: %s", path);
    }
    buf_release(&buf);
    return rc;
}
