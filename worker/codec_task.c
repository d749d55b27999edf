// SPDX-License-Identifier: Apache-2.0
#include "worker/codec_task.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* No encoder needs more for a picture than this for each pixel, and some bytes for tables. */
enum { MOST_BYTES_A_PIXEL = 8, MOST_TABLE_BYTES = 65536 };

static void close_files(struct codec_task *task)
{
    for (size_t i = 0; i < PROFILE_MAX_VARIANTS; i++) {
        if (task->fds[i] >= 0) {
            close(task->fds[i]);
            task->fds[i] = -1;
        }
    }
}

/* A memory file that can grow and never shrink, so that what was measured once can be read to its end. */
static int new_memory_file(struct err *err)
{
    int fd = memfd_create("pixmill-variant", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "no memory file");
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
        int errnum = errno;
        close(fd);
        return err_set_errno(err, ERR_INTERNAL, errnum, "a memory file can not be sealed");
    }
    return fd;
}

int codec_task_open(struct codec_task *task, uint64_t ticket, struct err *err)
{
    task->ticket = ticket;
    task->has_head = false;
    task->head = (struct wire_head){.width_px = 0};
    assert(task->job.profile.count >= 1 && task->job.profile.count <= PROFILE_MAX_VARIANTS);
    for (size_t i = 0; i < PROFILE_MAX_VARIANTS; i++) {
        task->fds[i] = -1;
        task->is_told[i] = false;
    }
    for (size_t i = 0; i < task->job.profile.count; i++) {
        task->fds[i] = new_memory_file(err);
        if (task->fds[i] < 0) {
            close_files(task);
            return -1;
        }
    }
    return 0;
}

int codec_task_send(const struct codec_task *task, int socket, struct err *err)
{
    struct wire_frame frame = {.type = WIRE_JOB, .ticket = task->ticket, .job = task->job};
    int fds[WIRE_MAX_FDS] = {task->input_fd};
    for (size_t i = 0; i < task->job.profile.count; i++) {
        fds[1 + i] = task->fds[i];
    }
    return wire_send(socket, &frame, fds, 1 + task->job.profile.count, err);
}

static int refuse(struct err *err, const char *what)
{
    return err_set(err, ERR_CODEC_CRASHED, "a codec sent a bad frame: %s", what);
}

/* A side that is asked to fit a box has to; one of full size keeps to the limit of originals. */
static bool is_side_good(const struct codec_task *task, int side_px, int box_px)
{
    return side_px >= 1 && side_px <= (box_px > 0 ? box_px : task->job.limits.max_side_px);
}

/* From here on nobody can change the file, not even a codec that kept a descriptor. */
static int seal(int fd, struct err *err)
{
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        return refuse(err, "the file of a variant is still mapped for writing");
    }
    return 0;
}

static int take_left_out(struct codec_task *task, const struct wire_variant *variant,
                         const struct profile_variant *wanted, struct err *err)
{
    if (!wanted->skip_if_larger) {
        return refuse(err, "left out, what has to be made");
    }
    close(task->fds[variant->index]);
    task->fds[variant->index] = -1;
    task->is_told[variant->index] = true;
    task->on_variant(task->owner, variant, -1);
    return 0;
}

static int take_variant(struct codec_task *task, const struct wire_variant *variant, struct err *err)
{
    if (variant->index >= task->job.profile.count) {
        return refuse(err, "a variant that was not asked for");
    }
    if (!task->has_head) {
        return refuse(err, "a variant before the head");
    }
    const struct profile_variant *wanted = &task->job.profile.variants[variant->index];
    int fd = task->fds[variant->index];
    if (task->is_told[variant->index]) {
        return refuse(err, "a variant for the second time");
    }
    if (!is_side_good(task, variant->width_px, wanted->width_px) ||
        !is_side_good(task, variant->height_px, wanted->height_px)) {
        return refuse(err, "a variant that is larger than its box");
    }
    int64_t pixels = (int64_t)variant->width_px * variant->height_px;
    if (variant->bytes == 0) {
        return take_left_out(task, variant, wanted, err);
    }
    if (variant->bytes < 1 || variant->bytes > pixels * MOST_BYTES_A_PIXEL + MOST_TABLE_BYTES) {
        return refuse(err, "a variant of impossible length");
    }
    if (seal(fd, err) != 0) {
        return -1;
    }
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_size != variant->bytes) {
        return refuse(err, "a variant whose file has another length");
    }
    task->fds[variant->index] = -1;
    task->is_told[variant->index] = true;
    task->on_variant(task->owner, variant, fd);
    return 0;
}

static int take_head(struct codec_task *task, const struct wire_head *head, struct err *err)
{
    bool is_same = head->upright_width_px == head->width_px && head->upright_height_px == head->height_px;
    bool is_turned = head->upright_width_px == head->height_px && head->upright_height_px == head->width_px;
    if (task->has_head) {
        return refuse(err, "a head for the second time");
    }
    if (!is_side_good(task, head->width_px, 0) || !is_side_good(task, head->height_px, 0) ||
        (!is_same && !is_turned)) {
        return refuse(err, "a head outside the limits");
    }
    task->has_head = true;
    task->head = *head;
    return 0;
}

static int take_done(struct codec_task *task, const struct wire_done *done, struct err *err)
{
    for (size_t i = 0; i < task->job.profile.count; i++) {
        if (!task->is_told[i]) {
            return refuse(err, "done, with a variant missing");
        }
    }
    if (done->width_px != task->head.upright_width_px || done->height_px != task->head.upright_height_px) {
        return refuse(err, "an image of another size than its head");
    }
    codec_task_end(task, done, NULL);
    return 0;
}

/* What a codec may give as its reason. Codes of ours would let it stop the worker or be retried for ever. */
static bool is_codecs_to_say(enum err_code code)
{
    static const enum err_code codes[] = {ERR_CORRUPT_IMAGE, ERR_INVALID_IMAGE, ERR_UNSUPPORTED_FORMAT,
                                          ERR_TOO_SMALL,     ERR_TOO_LARGE,     ERR_FILE_TOO_LARGE,
                                          ERR_OUT_OF_MEMORY, ERR_INTERNAL};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i] == code) {
            return true;
        }
    }
    return false;
}

static int take_failed(struct codec_task *task, const struct wire_failed *failed, struct err *err)
{
    if (!is_codecs_to_say(failed->code)) {
        return refuse(err, "a failure that is not a codec's to tell");
    }
    struct err why;
    err_set(&why, failed->code, "%s", failed->sentence);
    /* the sentence goes into a row and a log: plain ASCII, whatever the codec wrote */
    for (char *at = why.sentence; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            *at = '?';
        }
    }
    codec_task_end(task, NULL, &why);
    return 0;
}

int codec_task_take(struct codec_task *task, const struct wire_frame *frame, enum codec_task_said *said,
                    struct err *err)
{
    if (frame->ticket != task->ticket) {
        return refuse(err, "an answer to another job");
    }
    *said = CODEC_TASK_GOES_ON;
    switch (frame->type) {
    case WIRE_HEAD:
        return take_head(task, &frame->head, err);
    case WIRE_VARIANT:
        return take_variant(task, &frame->variant, err);
    case WIRE_DONE:
        *said = CODEC_TASK_HAS_ENDED;
        return take_done(task, &frame->done, err);
    case WIRE_FAILED:
        *said = CODEC_TASK_HAS_ENDED;
        return take_failed(task, &frame->failed, err);
    case WIRE_READY:
    case WIRE_JOB:
        break;
    }
    return refuse(err, "a type that is out of place");
}

void codec_task_drop(struct codec_task *task)
{
    close_files(task);
    task->child = NULL;
}

void codec_task_end(struct codec_task *task, const struct wire_done *done, const struct err *err)
{
    codec_task_drop(task);
    task->on_end(task->owner, done, err);
}
