// SPDX-License-Identifier: Apache-2.0
/*
 * A server for the tests of api/http: every route shows one thing that a handler can do. Settings come as NAME=NUMBER words; the port is
 * printed on standard output, and SIGTERM closes the listener with `grace_ms`.
 *
 *   /echo    the request's body, read whole            /sink     counts the body's bytes, each piece held on the thread pool
 *   /early   400 without reading the body              /first    400 after the body's first piece
 *   /wait    200 when `ms` have passed                 /file     the file named by file=PATH
 *   /big     `bytes` bytes of answer                   anything else: what the request says, a line each
 */
#include "api/http/listener.h"
#include "api/http/query.h"
#include "api/http/response.h"
#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/net/loop.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct echo {
    struct loop *loop;
    struct listener *listener;
    struct http_limits limits;
    int64_t grace_ms;
    int64_t max_body_bytes;
    const char *file;
};

struct call {
    struct echo *echo;
    struct request *request;
    const char *data;
    size_t bytes;
    int64_t total;
    unsigned sum;
    struct deadline deadline;
};

static void answer_text(struct request *request, int status, const char *text)
{
    respond(request, status, "text/plain", text, strlen(text));
}

static void on_refusal(void *owner, struct request *request, const struct err *err)
{
    (void)owner;
    answer_text(request, err_http_status(err->code), err_word(err->code));
}

static int64_t query_number(struct request *request, const char *name)
{
    int64_t number = 0;
    const char *text = query_value(request_arena(request), request_query(request), name);
    return text != NULL && text_int64(text, 0, INT64_MAX, &number) == 0 ? number : 0;
}

static void on_whole(void *owner, const struct err *err)
{
    struct call *call = owner;
    if (err != NULL) {
        on_refusal(call->echo, call->request, err);
        return;
    }
    respond(call->request, 200, "application/octet-stream", call->data, call->bytes);
}

static void do_echo(struct call *call)
{
    request_read_whole(call->request, call->echo->max_body_bytes, &call->data, &call->bytes, on_whole, call);
}

/* As a storage would: the piece is used on the thread pool while its client waits. */
static void work_sum(void *owner)
{
    struct call *call = owner;
    for (size_t i = 0; i < call->bytes; i++) {
        call->sum = call->sum * 31 + (unsigned char)call->data[i];
    }
}

static void on_summed(void *owner)
{
    struct call *call = owner;
    request_read_more(call->request);
}

static void on_sink_data(void *owner, const char *data, size_t bytes)
{
    struct call *call = owner;
    call->data = data;
    call->bytes = bytes;
    call->total += (int64_t)bytes;
    loop_work(call->echo->loop, work_sum, on_summed, call);
}

static void on_sink_end(void *owner)
{
    struct call *call = owner;
    answer_text(call->request, 200,
                arena_format(request_arena(call->request), "%lld %u", (long long)call->total, call->sum));
}

static void on_sink_abort(void *owner, const struct err *err)
{
    struct call *call = owner;
    log_info("a body was aborted", log_err(err), log_int("bytes", call->total));
    on_refusal(call->echo, call->request, err);
}

static void do_sink(struct call *call)
{
    static const struct body_sink sink = {on_sink_data, on_sink_end, on_sink_abort};
    request_read_body(call->request, call->echo->max_body_bytes, &sink, call);
}

static void do_early(struct call *call)
{
    answer_text(call->request, 400, "early");
}

static void on_first_data(void *owner, const char *data, size_t bytes)
{
    struct call *call = owner;
    (void)data;
    (void)bytes;
    answer_text(call->request, 400, "first");
}

static void do_first(struct call *call)
{
    static const struct body_sink sink = {on_first_data, on_sink_end, on_sink_abort};
    request_read_body(call->request, call->echo->max_body_bytes, &sink, call);
}

static void on_waited(void *owner)
{
    struct call *call = owner;
    answer_text(call->request, 200, "waited");
}

static void do_wait(struct call *call)
{
    log_info("a request waits", log_text("path", request_path(call->request)));
    deadline_arm(&call->deadline, call->echo->loop, (uint64_t)query_number(call->request, "ms"), on_waited,
                 call);
}

static void do_file(struct call *call)
{
    struct stat info;
    int fd = call->echo->file == NULL ? -1 : open(call->echo->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        answer_text(call->request, 404, "no file");
        return;
    }
    int64_t extra = query_number(call->request, "extra"); /* promises more than there is */
    respond_file(call->request, 200, "image/jpeg", fd, 0, info.st_size + extra);
}

static void do_big(struct call *call)
{
    int64_t bytes = query_number(call->request, "bytes");
    char *body = malloc((size_t)bytes + 1);
    memset(body, 'b', (size_t)bytes);
    respond(call->request, 200, "text/plain", body, (size_t)bytes);
    free(body);
}

static void do_status(struct call *call)
{
    respond(call->request, (int)query_number(call->request, "status"), "text/plain", "body", 4);
}

static const char *or_none(const char *text)
{
    return text == NULL ? "-" : text;
}

static void do_show(struct call *call)
{
    struct request *request = call->request;
    response_header(request, "X-Split", "a\r\nX-Evil: 1");
    response_header(request, "X-Shown", "yes");
    answer_text(request, 200,
                arena_format(request_arena(request), "%s\n%s\n%s\n%s\n%s\n%lld\n",
                             http_method_word(request_method(request)), request_path(request),
                             request_query(request), or_none(request_header(request, "host")),
                             or_none(request_header(request, "x-many")),
                             (long long)request_content_length(request)));
}

static void on_request(void *owner, struct request *request)
{
    static const struct {
        const char *path;
        void (*answer)(struct call *call);
    } routes[] = {
        {"/echo", do_echo}, {"/sink", do_sink}, {"/early", do_early}, {"/first", do_first},
        {"/wait", do_wait}, {"/file", do_file}, {"/big", do_big},     {"/status", do_status},
    };
    struct call *call = arena_alloc(request_arena(request), sizeof *call);
    call->echo = owner;
    call->request = request;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(routes[i].path, request_path(request)) == 0) {
            routes[i].answer(call);
            return;
        }
    }
    do_show(call);
}

static void on_closed(void *owner)
{
    struct echo *echo = owner;
    loop_unwatch_signals(echo->loop);
    log_info("closed");
}

static void on_stop(void *owner)
{
    struct echo *echo = owner;
    log_info("closing", log_int("connections", (int64_t)listener_connections(echo->listener)));
    listener_close(echo->listener, (uint64_t)echo->grace_ms, on_closed, echo);
}

/* Reads one NAME=NUMBER word; false where it is none. */
static bool read_setting(struct echo *echo, const char *word)
{
    const char *equals = strchr(word, '=');
    int64_t number = 0;
    if (equals != NULL && text_starts_with(word, "file=")) {
        echo->file = equals + 1;
        return true;
    }
    if (equals == NULL || text_int64(equals + 1, 0, INT64_MAX, &number) != 0) {
        return false;
    }
    struct {
        const char *name;
        uint64_t *value;
    } const times[] = {
        {"header_timeout_ms=", &echo->limits.header_timeout_ms},
        {"body_idle_timeout_ms=", &echo->limits.body_idle_timeout_ms},
        {"keep_alive_timeout_ms=", &echo->limits.keep_alive_timeout_ms},
        {"write_timeout_ms=", &echo->limits.write_timeout_ms},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (text_starts_with(word, times[i].name)) {
            *times[i].value = (uint64_t)number;
            return true;
        }
    }
    if (text_starts_with(word, "max_header_bytes=")) {
        echo->limits.max_header_bytes = (size_t)number;
    } else if (text_starts_with(word, "max_headers=")) {
        echo->limits.max_headers = (size_t)number;
    } else if (text_starts_with(word, "max_connections=")) {
        echo->limits.max_connections = (size_t)number;
    } else if (text_starts_with(word, "max_body_bytes=")) {
        echo->max_body_bytes = number;
    } else if (text_starts_with(word, "grace_ms=")) {
        echo->grace_ms = number;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct echo echo = {
        .limits = {.header_timeout_ms = 30000,
                   .body_idle_timeout_ms = 30000,
                   .keep_alive_timeout_ms = 30000,
                   .write_timeout_ms = 30000,
                   .max_header_bytes = 16384,
                   .max_headers = 100,
                   .max_connections = 4096},
        .grace_ms = 10000,
        .max_body_bytes = 1 << 20,
    };
    struct err err;
    log_start("pixmill-http-echo", LOG_INFO);
    for (int i = 1; i < argc; i++) {
        if (!read_setting(&echo, argv[i])) {
            fprintf(stderr, "not a setting: %s\n", argv[i]);
            return 2;
        }
    }
    struct http_service service = {on_request, on_refusal, &echo};
    echo.loop = loop_new(&err);
    struct listener_place place = {.address = "127.0.0.1:0"};
    echo.listener = echo.loop == NULL ? NULL : listener_open(echo.loop, &place, &echo.limits, &service, &err);
    if (echo.listener == NULL || loop_watch_signals(echo.loop, on_stop, &echo, &err) != 0) {
        log_error("can not start", log_err(&err));
        return 1;
    }
    printf("%d\n", listener_port(echo.listener));
    fflush(stdout);
    loop_run(echo.loop);
    loop_free(echo.loop);
    return 0;
}
