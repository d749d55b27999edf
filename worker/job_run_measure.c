// SPDX-License-Identifier: Apache-2.0
/*
 * The state in which an original's header is read, so that the image waits for the memory that it will need. Pieces are read on libuv's
 * thread pool until the header has told the size; most do so in the first.
 */
#include "worker/job_run_state.h"

#include "common/base/arena.h"
#include "common/net/loop.h"
#include "worker/memory_need.h"
#include "worker/parts.h"

#include <assert.h>

static void on_read(uv_fs_t *request)
{
    struct job_run *run = request->data;
    struct run_measure *measure = &run->measure;
    ssize_t got = request->result;
    struct err err;
    uv_fs_req_cleanup(request);
    if (got > 0) {
        measure->offset += got;
        (void)image_head_feed(&measure->head, measure->piece, (size_t)got, &err);
    } else {
        /* a file that can not be read is found by the codec, which says so better */
        (void)image_head_end(&measure->head, &err);
    }
    job_run_on_answer(run, NULL);
}

void job_run_do_measure(struct job_run *run)
{
    struct run_measure *measure = &run->measure;
    if (measure->piece == NULL) {
        measure->piece = arena_alloc(run->arena, RUN_PIECE_BYTES);
        image_head_init(&measure->head);
    }
    uv_buf_t buf = uv_buf_init(measure->piece, RUN_PIECE_BYTES);
    measure->request.data = run;
    run->pending++;
    int status = uv_fs_read(loop_uv(run->parts->loop), &measure->request, run->file.fd, &buf, 1,
                            measure->offset, on_read);
    assert(status == 0);
}

enum run_state job_run_after_measure(struct job_run *run)
{
    if (run->is_lost || run->is_stopped) {
        return job_run_settle(run, &run->answer);
    }
    if (run->measure.head.state == IMAGE_HEAD_MORE) {
        return RUN_MEASURE;
    }
    run->task.memory_bytes = memory_need(&run->measure.head, run->work.bytes);
    return RUN_CODEC;
}
