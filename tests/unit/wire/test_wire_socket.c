// SPDX-License-Identifier: Apache-2.0
#include "worker/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct wire_frame ready = {.type = WIRE_READY};

struct pair {
    int a;
    int b;
};

static struct pair new_pair(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    return (struct pair){ends[0], ends[1]};
}

/* How many descriptors the process has open. */
static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

static void a_frame_brings_its_descriptors(void **state)
{
    (void)state;
    struct pair pair = new_pair();
    struct wire_frame frame = {
        .type = WIRE_HEAD,
        .ticket = 9,
        .head = {.width_px = 3, .height_px = 4, .upright_width_px = 3, .upright_height_px = 4}};
    struct wire_frame got;
    struct err err;
    int sent[WIRE_MAX_FDS];
    int fds[WIRE_MAX_FDS];
    size_t count = 99;
    for (size_t i = 0; i < WIRE_MAX_FDS; i++) {
        char digit = (char)('0' + i);
        sent[i] = memfd_create("test", MFD_CLOEXEC);
        assert_int_equal(write(sent[i], &digit, 1), 1);
    }
    int before = open_descriptors();
    assert_int_equal(wire_send(pair.a, &frame, sent, WIRE_MAX_FDS, &err), 0);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(wire_receive(pair.b, &got, fds, &count, &err), WIRE_GOT_FRAME);
    assert_int_equal(count, WIRE_MAX_FDS);
    assert_int_equal(got.head.height_px, 4);
    for (size_t i = 0; i < WIRE_MAX_FDS; i++) {
        char digit = 0;
        assert_int_equal(pread(fds[i], &digit, 1, 0), 1);
        assert_int_equal(digit, '0' + (int)i);
        assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
        close(fds[i]);
        close(sent[i]);
    }
    assert_int_equal(wire_receive(pair.b, &got, fds, &count, &err), WIRE_GOT_NOTHING);
    close(pair.a);
    assert_int_equal(wire_receive(pair.b, &got, fds, &count, &err), WIRE_GOT_END);
    /* no SIGPIPE, which would end this test */
    assert_int_equal(wire_send(pair.b, &ready, NULL, 0, &err), -1);
    close(pair.b);
}

/* Sends raw bytes with `count` copies of one descriptor. */
static void send_raw(int socket, void *data, size_t bytes, size_t count)
{
    union {
        struct cmsghdr header;
        unsigned char bytes[CMSG_SPACE(64 * sizeof(int))];
    } control;
    struct iovec piece = {.iov_base = data, .iov_len = bytes};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    memset(&control, 0, sizeof control);
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        for (size_t i = 0; i < count; i++) {
            memcpy(CMSG_DATA(header) + i * sizeof(int), &socket, sizeof(int));
        }
    }
    assert_int_equal(sendmsg(socket, &message, MSG_NOSIGNAL), (ssize_t)bytes);
}

static void what_is_not_a_frame_leaves_no_descriptor(void **state)
{
    (void)state;
    struct pair pair = new_pair();
    struct wire_frame got;
    struct err err;
    int fds[WIRE_MAX_FDS];
    size_t count = 99;
    unsigned char good[WIRE_MAX_BYTES];
    unsigned char nonsense[8] = {0x6e};
    unsigned char much[WIRE_MAX_BYTES + 1] = {0};
    size_t bytes = wire_encode(&ready, good);
    int before = open_descriptors();
    send_raw(pair.a, nonsense, sizeof nonsense, 3);
    assert_int_equal(wire_receive(pair.b, &got, fds, &count, &err), WIRE_GOT_ERROR);
    send_raw(pair.a, much, sizeof much, 2);
    assert_int_equal(wire_receive(pair.b, &got, fds, &count, &err), WIRE_GOT_ERROR);
    /* more descriptors than a frame may have: those that came are closed with the rest */
    for (size_t many = WIRE_MAX_FDS + 1; many <= 64; many++) {
        send_raw(pair.a, good, bytes, many);
        assert_int_equal(wire_receive(pair.b, &got, fds, &count, &err), WIRE_GOT_ERROR);
    }
    assert_int_equal(count, 99);
    assert_int_equal(open_descriptors(), before);
    send_raw(pair.a, good, bytes, 0);
    assert_int_equal(wire_receive(pair.b, &got, fds, &count, &err), WIRE_GOT_FRAME);
    assert_int_equal(count, 0);
    close(pair.a);
    close(pair.b);
}

static void a_full_socket_is_an_error_and_not_a_wait(void **state)
{
    (void)state;
    struct pair pair = new_pair();
    struct err err = {.code = ERR_NONE};
    int sent = 0;
    while (sent < 100000 && wire_send(pair.a, &ready, NULL, 0, &err) == 0) {
        sent++;
    }
    assert_true(sent > 0 && sent < 100000);
    assert_int_equal(err.code, ERR_INTERNAL);
    close(pair.a);
    close(pair.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_brings_its_descriptors),
        cmocka_unit_test(what_is_not_a_frame_leaves_no_descriptor),
        cmocka_unit_test(a_full_socket_is_an_error_and_not_a_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
