// SPDX-License-Identifier: Apache-2.0
#include "api/http/conn.h"

#include "common/base/log.h"

#include <errno.h>
#include <unistd.h>

/* On the thread pool: touches nothing of the connection but its answer, which nobody else touches in CONN_FILE. */
static void work_read(void *owner)
{
    struct conn *conn = owner;
    struct answer *answer = &conn->answer;
    size_t wanted = answer->left < CONN_FILE_BYTES ? (size_t)answer->left : CONN_FILE_BYTES;
    ssize_t got = -1;
    do {
        got = pread(answer->fd, answer->piece, wanted, answer->offset);
    } while (got < 0 && errno == EINTR);
    answer->piece_bytes = got;
}

static void on_work_done(void *owner)
{
    struct conn *conn = owner;
    conn->is_file_read = true;
    if (conn->answer.piece_bytes <= 0) {
        log_error("a file was shorter than its answer, or could not be read", log_text("peer", conn->peer));
    }
    conn_step(conn);
}

void body_file_read(struct conn *conn)
{
    conn->is_file_read = false;
    if (conn->answer.piece == NULL) {
        conn->answer.piece = malloc(CONN_FILE_BYTES);
        if (conn->answer.piece == NULL) {
            abort();
        }
    }
    loop_work(conn->loop, work_read, on_work_done, conn);
}
