// SPDX-License-Identifier: Apache-2.0
#include "common/net/redis.h"

#include "common/net/loop.h"
#include "tests/support/await.h"
#include "tests/support/redis_server.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

enum { LONG_MS = 30000, SHORT_MS = 50, TEXT_BYTES = 128 };

/* One answer to a command. */
struct answer {
    int answers;
    int type;
    long long integer;
    char text[TEXT_BYTES];
    struct err err;
};

struct world {
    struct redis_server *server;
    struct loop *loop;
    struct redis *redis;
    int closed;
};

static void on_answer(void *owner, const struct redisReply *reply, const struct err *err)
{
    struct answer *answer = owner;
    answer->answers++;
    assert_true((reply == NULL) != (err == NULL));
    if (err != NULL) {
        answer->err = *err;
    }
    if (reply == NULL) {
        return;
    }
    answer->type = reply->type;
    answer->integer = reply->integer;
    snprintf(answer->text, sizeof answer->text, "%s", reply->str == NULL ? "" : reply->str);
}

/* Sends words separated by blanks. */
static void call(struct redis *redis, const char *line, uint64_t timeout_ms, struct answer *answer)
{
    char words[8][TEXT_BYTES];
    const char *argv[8];
    size_t argv_bytes[8];
    int argc = 0;
    for (; *line != '\0'; argc++) {
        size_t bytes = strcspn(line, " ");
        memcpy(words[argc], line, bytes);
        words[argc][bytes] = '\0';
        argv[argc] = words[argc];
        argv_bytes[argc] = bytes;
        line += bytes + (line[bytes] == ' ');
    }
    redis_call(redis, argc, argv, argv_bytes, timeout_ms, on_answer, answer);
    /* arguments are copied, and no answer comes before the call returned */
    memset(words, 'x', sizeof words);
}

static struct answer ask(struct world *world, const char *line)
{
    struct answer answer = {.answers = 0};
    call(world->redis, line, 0, &answer);
    assert_int_equal(answer.answers, 0);
    assert_true(await_reached(world->loop, &answer.answers, 1));
    return answer;
}

static void world_open(struct world *world, const char *url, uint64_t connect_ms, uint64_t command_ms)
{
    const struct redis_options options = {url, connect_ms, command_ms};
    struct err err = {.code = ERR_NONE};
    world->loop = loop_new(NULL);
    world->closed = 0;
    world->redis = redis_open(world->loop, &options, &err);
    assert_non_null(world->redis);
}

static void world_close(struct world *world)
{
    if (world->redis != NULL) {
        redis_close(world->redis, await_count, &world->closed);
    }
    /* nothing may keep the loop after the close */
    loop_run(world->loop);
    assert_int_equal(world->closed, 1);
    loop_free(world->loop);
}

static int setup(void **state)
{
    static struct world world; /* one test program, one server */
    world.server = redis_server_start("--databases", "16");
    world_open(&world, redis_server_url(world.server), LONG_MS, LONG_MS);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    world_close(world);
    redis_server_stop(world->server);
    return 0;
}

static void test_answers_in_order(void **state)
{
    struct world *world = *state;
    struct answer answers[100] = {{.answers = 0}};
    for (size_t i = 0; i < 100; i++) {
        call(world->redis, i == 50 ? "WRONG" : "INCR n", 0, &answers[i]);
    }
    assert_false(redis_is_up(world->redis)); /* they wait for the connection */
    assert_true(await_reached(world->loop, &answers[99].answers, 1));
    assert_true(redis_is_up(world->redis));
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(answers[i].answers, 1);
        if (i == 50) {
            /* an error of Redis is a reply */
            assert_int_equal(answers[i].type, REDIS_REPLY_ERROR);
        } else {
            assert_int_equal(answers[i].integer, i < 50 ? i + 1 : i);
        }
    }
    assert_int_equal(redis_losses(world->redis), 0);
}

static void test_binary_arguments(void **state)
{
    struct world *world = *state;
    const char *argv[] = {"SET", "b", "a\0b\r\nc"};
    const size_t argv_bytes[] = {3, 1, 6};
    struct answer answer = {.answers = 0};
    redis_call(world->redis, 3, argv, argv_bytes, 0, on_answer, &answer);
    assert_true(await_reached(world->loop, &answer.answers, 1));
    assert_int_equal(ask(world, "STRLEN b").integer, 6);
}

static void test_a_killed_server_is_told_and_the_connection_heals(void **state)
{
    struct world *world = *state;
    for (uint64_t round = 1; round <= 5; round++) {
        assert_int_equal(ask(world, "PING").type, REDIS_REPLY_STATUS);
        struct answer lost[2] = {{.answers = 0}};
        call(world->redis, "BLPOP nothing 0", 0, &lost[0]);
        call(world->redis, "PING", 0, &lost[1]);
        redis_server_stall(world->server); /* so that it can't answer before it dies */
        redis_server_kill(world->server);
        assert_true(await_reached(world->loop, &lost[1].answers, 1));
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(lost[i].answers, 1);
            assert_int_equal(lost[i].err.code, ERR_QUEUE);
        }
        assert_false(redis_is_up(world->redis));
        assert_int_equal(redis_losses(world->redis), round);
        /* one that is sent while there is no server waits for the next */
        struct answer waiting = {.answers = 0};
        call(world->redis, "PING", 0, &waiting);
        redis_server_again(world->server);
        assert_true(await_reached(world->loop, &waiting.answers, 1));
        assert_int_equal(waiting.type, REDIS_REPLY_STATUS);
    }
}

static bool is_up(void *owner)
{
    return redis_is_up(owner);
}

static bool is_down(void *owner)
{
    return !redis_is_up(owner);
}

static void test_a_lost_connection_is_noticed_without_a_command(void **state)
{
    struct world *world = *state;
    assert_true(await_until(world->loop, is_up, world->redis));
    redis_server_kill(world->server);
    assert_true(await_until(world->loop, is_down, world->redis));
    redis_server_again(world->server);
    assert_true(await_until(world->loop, is_up, world->redis));
    assert_int_equal(redis_losses(world->redis), 1);
}

static void test_many_cuts_leave_it_awake(void **state)
{
    struct world *world = *state;
    struct world killer = {.server = NULL};
    world_open(&killer, redis_server_url(world->server), LONG_MS, LONG_MS);
    for (uint64_t cut = 0; cut < 100; cut++) {
        assert_int_equal(ask(world, "PING").type, REDIS_REPLY_STATUS);
        assert_true(ask(&killer, "CLIENT KILL TYPE normal SKIPME yes").integer >= 1);
        struct answer answer = ask(world, "PING");
        assert_true(answer.err.code == ERR_QUEUE || answer.type == REDIS_REPLY_STATUS);
    }
    assert_int_equal(ask(world, "PING").type, REDIS_REPLY_STATUS);
    assert_int_equal(redis_losses(world->redis), 100);
    world_close(&killer);
}

static void test_a_stalled_server_meets_the_deadline(void **state)
{
    struct world *world = *state;
    assert_int_equal(ask(world, "PING").type, REDIS_REPLY_STATUS);
    redis_server_stall(world->server);
    struct answer patient = {.answers = 0};
    struct answer hasty = {.answers = 0};
    call(world->redis, "PING", LONG_MS, &patient);
    call(world->redis, "PING", SHORT_MS, &hasty);
    assert_true(await_reached(world->loop, &hasty.answers, 1));
    /* the whole connection is given up, since its answers could not be told apart any more */
    assert_int_equal(patient.answers, 1);
    assert_int_equal(patient.err.code, ERR_QUEUE);
    assert_int_equal(hasty.err.code, ERR_QUEUE);
    assert_non_null(strstr(hasty.err.sentence, "PING within 50 ms"));
    assert_int_equal(redis_losses(world->redis), 1);
    redis_server_wake(world->server);
    assert_int_equal(ask(world, "PING").type, REDIS_REPLY_STATUS);
}

static void test_no_server_fails_within_the_connect_timeout(void **state)
{
    (void)state;
    struct world world = {.server = NULL};
    world_open(&world, "unix:/nonexistent/redis.sock", SHORT_MS, LONG_MS);
    struct answer answer = ask(&world, "PING");
    assert_int_equal(answer.err.code, ERR_QUEUE);
    assert_non_null(strstr(answer.err.sentence, "no connection"));
    world_close(&world);
}

static void test_an_unresolvable_name_is_told(void **state)
{
    (void)state;
    struct world world = {.server = NULL};
    world_open(&world, "redis://name.invalid", 1000, LONG_MS);
    assert_int_equal(ask(&world, "PING").err.code, ERR_QUEUE);
    world_close(&world);
}

/* A server that takes connections and never says a word. */
static void test_a_mute_server_is_no_connection(void **state)
{
    struct world *with_server = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char url[TEXT_BYTES];
    struct world world = {.server = NULL};
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s.mute",
             redis_server_socket(with_server->server));
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 16), 0);
    snprintf(url, sizeof url, "unix:%s", address.sun_path);
    world_open(&world, url, SHORT_MS, LONG_MS);
    struct answer answer = ask(&world, "PING");
    assert_int_equal(answer.err.code, ERR_QUEUE);
    assert_false(redis_is_up(world.redis));
    assert_int_equal(redis_losses(world.redis), 0);
    world_close(&world);
    close(listener);
    unlink(address.sun_path);
}

static void speak(int listener, const char *bytes)
{
    int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(write(peer, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
    close(peer);
}

static void test_a_peer_that_is_no_redis_is_dropped(void **state)
{
    struct world *with_server = *state;
    static const char *const speeches[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", "+PONG\r\n", "$-5\r\n",
                                           "-LOADING Redis is loading the dataset in memory\r\n", ""};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char url[TEXT_BYTES];
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s.liar",
             redis_server_socket(with_server->server));
    snprintf(url, sizeof url, "unix:%s", address.sun_path);
    for (size_t i = 0; i < sizeof speeches / sizeof speeches[0]; i++) {
        struct world world = {.server = NULL};
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(listener, 16), 0);
        world_open(&world, url, SHORT_MS, LONG_MS);
        struct answer answer = {.answers = 0};
        call(world.redis, "PING", 0, &answer);
        uv_run(loop_uv(world.loop), UV_RUN_NOWAIT); /* connects */
        speak(listener, speeches[i]);
        assert_true(await_reached(world.loop, &answer.answers, 1));
        assert_int_equal(answer.err.code, ERR_QUEUE);
        assert_false(redis_is_up(world.redis));
        world_close(&world);
        close(listener);
        unlink(address.sun_path);
    }
}

static void test_password_and_database(void **state)
{
    (void)state;
    char url[TEXT_BYTES];
    struct redis_server *server = redis_server_start("--requirepass", "a:b@c");
    /* over TCP, since a Unix URL has neither; the port is one that the kernel finds free */
    struct world world = {.server = NULL};
    world_open(&world, redis_server_url(server), SHORT_MS, LONG_MS);
    assert_int_equal(ask(&world, "PING").err.code, ERR_QUEUE);
    world_close(&world);
    snprintf(url, sizeof url, "redis://:a%%3Ab%%40c@127.0.0.1:%d/3", redis_server_listen(server, "a:b@c"));
    world_open(&world, url, LONG_MS, LONG_MS);
    assert_int_equal(ask(&world, "SET k v").type, REDIS_REPLY_STATUS);
    assert_int_equal(ask(&world, "SELECT 0").type, REDIS_REPLY_STATUS);
    assert_int_equal(ask(&world, "EXISTS k").integer, 0);
    assert_int_equal(ask(&world, "SELECT 3").type, REDIS_REPLY_STATUS);
    assert_int_equal(ask(&world, "EXISTS k").integer, 1);
    world_close(&world);
    redis_server_stop(server);
}

static void test_too_many_commands_are_refused(void **state)
{
    (void)state;
    struct world world = {.server = NULL};
    static struct answer answers[REDIS_COMMANDS_MAX + 1];
    world_open(&world, "unix:/nonexistent/redis.sock", SHORT_MS, LONG_MS);
    for (size_t i = 0; i < REDIS_COMMANDS_MAX + 1; i++) {
        call(world.redis, "PING", 0, &answers[i]);
    }
    assert_true(await_reached(world.loop, &answers[REDIS_COMMANDS_MAX].answers, 1));
    assert_int_equal(answers[REDIS_COMMANDS_MAX].err.code, ERR_QUEUE);
    assert_non_null(strstr(answers[REDIS_COMMANDS_MAX].err.sentence, "pending"));
    assert_true(await_reached(world.loop, &answers[REDIS_COMMANDS_MAX - 1].answers, 1));
    assert_null(strstr(answers[REDIS_COMMANDS_MAX - 1].err.sentence, "pending"));
    for (size_t i = 0; i < REDIS_COMMANDS_MAX + 1; i++) {
        assert_int_equal(answers[i].answers, 1);
    }
    world_close(&world);
}

static void test_a_wrong_url_is_refused(void **state)
{
    (void)state;
    struct loop *loop = loop_new(NULL);
    const struct redis_options options = {"http://x", 1, 1};
    struct err err = {.code = ERR_NONE};
    assert_null(redis_open(loop, &options, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    loop_free(loop);
}

static void test_closing_at_once(void **state)
{
    (void)state;
    struct world world = {.server = NULL};
    static const char *const urls[] = {"unix:/nonexistent/redis.sock", "redis://127.0.0.1:1",
                                       "redis://name.invalid"};
    for (size_t i = 0; i < 3; i++) {
        struct answer answer = {.answers = 0};
        world_open(&world, urls[i], LONG_MS, LONG_MS);
        call(world.redis, "PING", 0, &answer);
        for (size_t turns = 0; turns < i; turns++) {
            uv_run(loop_uv(world.loop), UV_RUN_NOWAIT);
        }
        world_close(&world);
        assert_int_equal(answer.answers, 1);
        assert_int_equal(answer.err.code, ERR_SHUTDOWN);
    }
}

struct closing {
    struct world *world;
    struct answer answer;
};

static void on_answer_close(void *owner, const struct redisReply *reply, const struct err *err)
{
    struct closing *closing = owner;
    on_answer(&closing->answer, reply, err);
    redis_close(closing->world->redis, await_count, &closing->world->closed);
    closing->world->redis = NULL;
}

static void test_closing_from_inside_an_answer(void **state)
{
    struct world *world = *state;
    struct closing closing = {.world = world};
    struct answer pending[3] = {{.answers = 0}};
    const char *argv[] = {"PING"};
    const size_t argv_bytes[] = {4};
    redis_call(world->redis, 1, argv, argv_bytes, 0, on_answer_close, &closing);
    for (size_t i = 0; i < 3; i++) {
        call(world->redis, "PING", 0, &pending[i]);
    }
    loop_run(world->loop);
    assert_int_equal(closing.answer.answers, 1);
    assert_int_equal(closing.answer.type, REDIS_REPLY_STATUS);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pending[i].answers, 1);
        assert_int_equal(pending[i].err.code, ERR_SHUTDOWN);
    }
    assert_int_equal(world->closed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_binary_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_killed_server_is_told_and_the_connection_heals, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_lost_connection_is_noticed_without_a_command, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_cuts_leave_it_awake, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_stalled_server_meets_the_deadline, setup, teardown),
        cmocka_unit_test(test_no_server_fails_within_the_connect_timeout),
        cmocka_unit_test(test_an_unresolvable_name_is_told),
        cmocka_unit_test_setup_teardown(test_a_mute_server_is_no_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_peer_that_is_no_redis_is_dropped, setup, teardown),
        cmocka_unit_test(test_password_and_database),
        cmocka_unit_test(test_too_many_commands_are_refused),
        cmocka_unit_test(test_a_wrong_url_is_refused),
        cmocka_unit_test(test_closing_at_once),
        cmocka_unit_test_setup_teardown(test_closing_from_inside_an_answer, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
