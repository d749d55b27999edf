// SPDX-License-Identifier: Apache-2.0
#include "worker/wire/wire.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Room for the descriptors of one frame, aligned as control messages must be. */
union control {
    struct cmsghdr header;
    unsigned char bytes[CMSG_SPACE(WIRE_MAX_FDS * sizeof(int))];
};

int wire_send(int socket, const struct wire_frame *frame, const int *fds, size_t fd_count, struct err *err)
{
    unsigned char bytes[WIRE_MAX_BYTES];
    union control control;
    struct iovec piece = {.iov_base = bytes, .iov_len = wire_encode(frame, bytes)};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    assert(fd_count <= WIRE_MAX_FDS);
    if (fd_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "can not send a frame");
    }
    if ((size_t)sent != piece.iov_len) {
        return err_set(err, ERR_INTERNAL, "a frame was sent in part");
    }
    return 0;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close(fds[i]);
    }
}

/*
 * Copies the descriptors of all control messages to fds; *count is how many. Alignment may leave room for one more than a frame
 * may have: what is too many is closed, and the answer is false.
 */
static bool take_fds(struct msghdr *message, int *fds, size_t *count)
{
    bool is_good = true;
    *count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t bytes = header->cmsg_len - CMSG_LEN(0);
        for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + at, sizeof fd);
            if (*count < WIRE_MAX_FDS) {
                fds[(*count)++] = fd;
            } else {
                close(fd);
                is_good = false;
            }
        }
    }
    return is_good;
}

static enum wire_got refuse_errno(int errnum, struct err *err)
{
    if (errnum == EAGAIN || errnum == EWOULDBLOCK) {
        return WIRE_GOT_NOTHING;
    }
    if (errnum == ECONNRESET) {
        return WIRE_GOT_END;
    }
    err_set_errno(err, ERR_INTERNAL, errnum, "can not receive a frame");
    return WIRE_GOT_ERROR;
}

enum wire_got wire_receive(int socket, struct wire_frame *frame, int *fds, size_t *fd_count, struct err *err)
{
    unsigned char bytes[WIRE_MAX_BYTES];
    union control control;
    struct iovec piece = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got;
    memset(&control, 0, sizeof control);
    do {
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return refuse_errno(errno, err);
    }
    size_t count;
    int rc = 0;
    if (!take_fds(&message, fds, &count) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        rc = err_set(err, ERR_INTERNAL, "a frame with more bytes or descriptors than a frame may have");
    } else if (got > 0) {
        rc = wire_decode(bytes, (size_t)got, frame, err);
    }
    if (rc != 0 || got == 0) {
        close_all(fds, count);
        return rc != 0 ? WIRE_GOT_ERROR : WIRE_GOT_END;
    }
    *fd_count = count;
    return WIRE_GOT_FRAME;
}
