// SPDX-License-Identifier: Apache-2.0
#include "api/handler/file_check.h"

#include <string.h>

void file_check_init(struct file_check *check, const struct image_limits *limits)
{
    memset(check, 0, sizeof(*check));
    check->limits = limits;
    check->digest = digest_new();
    image_head_init(&check->head);
}

void file_check_release(struct file_check *check)
{
    digest_free(check->digest);
    check->digest = NULL;
}

/* What a change of the head's state means. */
static int judge_head(const struct file_check *check, enum image_head_state state, struct err *err)
{
    if (state == IMAGE_HEAD_REFUSED) {
        return -1;
    }
    if (state == IMAGE_HEAD_DONE) {
        return image_limits_check(check->limits, check->head.width_px, check->head.height_px, err);
    }
    return 0;
}

int file_check_feed(struct file_check *check, const void *data, size_t bytes, struct err *err)
{
    if (check->head.state == IMAGE_HEAD_MORE) {
        enum image_head_state state = image_head_feed(&check->head, data, bytes, err);
        if (judge_head(check, state, err)) {
            return -1;
        }
    }
    check->bytes += (int64_t)bytes;
    if (check->bytes > check->limits->max_file_bytes) {
        return err_set(err, ERR_FILE_TOO_LARGE, "more than %lld bytes",
                       (long long)check->limits->max_file_bytes);
    }
    digest_add(check->digest, data, bytes);
    return 0;
}

int file_check_end(struct file_check *check, unsigned char sha256[DIGEST_BYTES], struct err *err)
{
    if (check->head.state == IMAGE_HEAD_MORE) {
        enum image_head_state state = image_head_end(&check->head, err);
        if (judge_head(check, state, err)) {
            return -1;
        }
    }
    digest_finish(check->digest, sha256);
    check->digest = NULL;
    return 0;
}
