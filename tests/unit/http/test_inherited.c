// SPDX-License-Identifier: Apache-2.0
#include "api/http/inherited.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PID = 4711 };

/* What the look-up gives. */
static char pid_text[16];
static char count_text[16];

static char *look_up(const char *name)
{
    char *value = strcmp(name, "LISTEN_PID") == 0   ? pid_text
                  : strcmp(name, "LISTEN_FDS") == 0 ? count_text
                                                    : NULL;
    return value != NULL && *value != '\0' ? value : NULL;
}

static int find(const char *pid, const char *count, int *fd, struct err *err)
{
    snprintf(pid_text, sizeof pid_text, "%s", pid);
    snprintf(count_text, sizeof count_text, "%s", count);
    err->code = ERR_NONE;
    return inherited_socket(look_up, PID, fd, err);
}

/* Puts a socket where a supervisor would. */
static void give(int family, int type, bool listens)
{
    int made = socket(family, type, 0);
    assert_true(made >= 0);
    if (listens) {
        assert_int_equal(listen(made, 1), 0);
    }
    if (made != INHERITED_FIRST_FD) {
        assert_int_equal(dup2(made, INHERITED_FIRST_FD), INHERITED_FIRST_FD);
        close(made);
    }
}

static void test_nothing_is_given(void **state)
{
    static const char *const words[][2] = {{"", ""}, {"4711", ""}, {"", "1"}, {"4712", "1"}, {"4711", "0"}};
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        int fd = 0;
        assert_int_equal(find(words[i][0], words[i][1], &fd, &err), 0);
        assert_int_equal(fd, -1);
    }
}

static void test_a_listening_socket(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        int fd = -1;
        give(families[i], SOCK_STREAM, true);
        assert_int_equal(find("4711", "1", &fd, &err), 0);
        assert_int_equal(fd, INHERITED_FIRST_FD);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        close(fd);
    }
}

static void test_what_is_given_wrongly(void **state)
{
    static const char *const words[][2] = {
        {"4711", "2"}, {"4711", "-1"}, {"4711", "x"}, {"x", "1"}, {"0", "1"}};
    struct err err;
    int fd = 77;
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_int_equal(find(words[i][0], words[i][1], &fd, &err), -1);
        assert_int_equal(err.code, ERR_CONFIG);
    }
    close(INHERITED_FIRST_FD);
    assert_int_equal(find("4711", "1", &fd, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    const struct {
        int family;
        int type;
        bool listens;
    } sockets[] = {
        {AF_INET, SOCK_STREAM, false}, {AF_INET, SOCK_DGRAM, false}, {AF_UNIX, SOCK_STREAM, false}};
    for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++) {
        give(sockets[i].family, sockets[i].type, sockets[i].listens);
        assert_int_equal(find("4711", "1", &fd, &err), -1);
        assert_int_equal(err.code, ERR_CONFIG);
        close(INHERITED_FIRST_FD);
    }
    assert_int_equal(fd, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_given),
        cmocka_unit_test(test_a_listening_socket),
        cmocka_unit_test(test_what_is_given_wrongly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
