// SPDX-License-Identifier: Apache-2.0
/*
 * pixmill-api: opens its parts, serves, and closes them in reverse.
 *
 * At the end the listener goes first, so that no request is left; then the connections close, and the loop has nothing more to do.
 */
#include "api/command.h"
#include "api/handler/admission.h"
#include "api/handler/api_metrics.h"
#include "api/handler/leftovers.h"
#include "api/handler/queue_view.h"
#include "api/handler/readiness.h"
#include "api/handler/service.h"
#include "api/http/inherited.h"
#include "api/http/listener.h"
#include "api/openapi_text.h"
#include "api/route/auth.h"
#include "api/routes.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/config/config.h"
#include "common/db/db.h"
#include "common/net/loop.h"
#include "common/net/redis.h"
#include "common/queue/queue.h"
#include "common/storage/storage.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* What the process is made of. */
struct parts {
    struct config config;
    struct loop *loop;
    struct db *db;
    struct redis *redis;
    struct listener *listener;
    struct listener *metrics_listener; /* NULL: /metrics is served by the other one */
    struct service service;
};

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            log_warn("the limit of open files could not be raised",
                     log_int("limit", (int64_t)limit.rlim_max));
        }
    }
}

static int open_connections(struct parts *parts, struct err *err)
{
    const struct config *config = &parts->config;
    struct db_options db = {config->database_url, (size_t)config->database_pool,
                            (uint64_t)config->database_timeout_ms};
    struct redis_options redis = {config->redis_url, (uint64_t)config->redis_connect_timeout_ms,
                                  (uint64_t)config->redis_timeout_ms};
    parts->db = db_open(parts->loop, &db, err);
    if (parts->db == NULL) {
        return -1;
    }
    parts->redis = redis_open(parts->loop, &redis, err);
    return parts->redis ? 0 : -1;
}

static int open_service(struct parts *parts, struct err *err)
{
    const struct config *config = &parts->config;
    struct service *service = &parts->service;
    service->config = config;
    service->limits = (struct image_limits){
        .max_file_bytes = config->max_file_bytes,
        .min_side_px = config->min_side,
        .max_side_px = config->max_side,
        .max_pixels = config->max_megapixels * 1000000,
        .max_frames = config->max_frames,
        .max_scans = config->max_scans,
    };
    service->loop = parts->loop;
    service->db = parts->db;
    service->redis = parts->redis;
    service->openapi = openapi_text;
    service->openapi_bytes = openapi_text_bytes;
    service->storage = storage_disk_open(parts->loop, config->storage_dir, err);
    if (service->storage == NULL) {
        return -1;
    }
    /* The api only pushes: it never waits on the second connection. */
    service->queue = queue_new(parts->loop, parts->redis, parts->redis, config->redis_prefix);
    service->admission = admission_new(&(struct admission_limits){.uploads = config->max_uploads,
                                                                  .bytes = config->max_upload_bytes,
                                                                  .backlog = config->max_backlog,
                                                                  .key_rate = config->key_rate});
    service->auth = auth_new(parts->loop, parts->db, config->public_reads);
    service->leftovers =
        leftovers_new(parts->loop, parts->db, service->storage, (uint64_t)config->database_timeout_ms);
    service->readiness =
        readiness_new(parts->loop, (const struct readiness_check[READINESS_PARTS]){
                                       [READINESS_DATABASE] = readiness_of_db(parts->db),
                                       [READINESS_STORAGE] = readiness_of_storage(service->storage),
                                   });
    service->queue_view = queue_view_new(parts->loop, service->queue, parts->db);
    service->metrics = api_metrics_new(service);
    return 0;
}

static int open_listener(struct parts *parts, struct err *err)
{
    const struct config *config = &parts->config;
    struct http_limits limits = {
        .header_timeout_ms = (uint64_t)config->header_timeout_ms,
        .body_idle_timeout_ms = (uint64_t)config->body_idle_timeout_ms,
        .keep_alive_timeout_ms = (uint64_t)config->keep_alive_timeout_ms,
        .write_timeout_ms = (uint64_t)config->write_timeout_ms,
        .max_header_bytes = (size_t)config->max_header_bytes,
        .max_headers = (size_t)config->max_headers,
        .max_connections = (size_t)config->max_connections,
    };
    struct http_service service = {routes_on_request, routes_on_refusal, &parts->service};
    struct listener_place place = {.address = config->listen, .is_shared = config->reuse_port};
    if (inherited_socket(getenv, getpid(), &place.socket, err)) {
        return -1;
    }
    place.has_socket = place.socket >= 0;
    parts->listener = listener_open(parts->loop, &place, &limits, &service, err);
    if (parts->listener == NULL) {
        return -1;
    }
    api_metrics_watch(parts->service.metrics, parts->listener);
    log_info("listening",
             log_text("address", place.has_socket ? "a socket that was handed over" : config->listen),
             log_int("port", listener_port(parts->listener)));
    return api_metrics_listen(&parts->service, &parts->metrics_listener, err);
}

static void on_closed(void *owner)
{
    (void)owner;
}

/* Nobody asks any more: what is left on the loop ends with these. */
static void close_connections(struct parts *parts)
{
    if (parts->service.leftovers != NULL) {
        leftovers_stop(parts->service.leftovers);
        queue_view_stop(parts->service.queue_view);
        api_metrics_stop(parts->service.metrics);
    }
    if (parts->redis != NULL) {
        redis_close(parts->redis, on_closed, NULL);
    }
    if (parts->db != NULL) {
        db_close(parts->db, on_closed, NULL);
    }
    loop_unwatch_signals(parts->loop);
}

static void on_metrics_listener_closed(void *owner)
{
    close_connections(owner);
}

/* Who watches may do so until the last client has gone. */
static void on_listener_closed(void *owner)
{
    struct parts *parts = owner;
    api_metrics_watch(parts->service.metrics, NULL);
    if (parts->metrics_listener != NULL) {
        listener_close(parts->metrics_listener, 0, on_metrics_listener_closed, parts);
    } else {
        close_connections(parts);
    }
}

static void on_stop(void *owner)
{
    struct parts *parts = owner;
    log_info("stopping", log_int("connections", (int64_t)listener_connections(parts->listener)));
    parts->service.is_stopping = true;
    listener_close(parts->listener, (uint64_t)parts->config.grace_ms, on_listener_closed, parts);
}

/* After the loop has run out. */
static void release(struct parts *parts)
{
    struct service *service = &parts->service;
    leftovers_free(service->leftovers);
    api_metrics_free(service->metrics);
    queue_view_free(service->queue_view);
    readiness_free(service->readiness);
    admission_free(service->admission);
    auth_free(service->auth);
    if (service->queue != NULL) {
        queue_free(service->queue);
    }
    if (service->storage != NULL) {
        storage_close(service->storage);
    }
    loop_free(parts->loop);
    config_release(&parts->config);
}

static int serve(struct parts *parts)
{
    struct err err;
    bool is_open = open_connections(parts, &err) == 0 && open_service(parts, &err) == 0 &&
                   open_listener(parts, &err) == 0 &&
                   loop_watch_signals(parts->loop, on_stop, parts, &err) == 0;
    if (!is_open) {
        log_error("the api could not start", log_err(&err));
        if (parts->listener != NULL) {
            listener_close(parts->listener, 0, on_listener_closed, parts);
        } else {
            close_connections(parts);
        }
    }
    loop_run(parts->loop);
    release(parts);
    return is_open ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct parts parts = {0};
    struct err err;
    enum log_level level = LOG_INFO;
    int status = EXIT_SUCCESS;
    if (command_run(argc, argv, &status)) {
        return status;
    }
    loop_hold_signals();
    if (config_load(&parts.config, getenv, stderr)) {
        return 2;
    }
    (void)log_level_of_word(parts.config.log_level, &level); /* config_load took no other word */
    log_start("pixmill-api", level);
    if (failpoint_arm(parts.config.failpoint, &err)) {
        log_error("the api could not start", log_err(&err));
        config_release(&parts.config);
        return 2;
    }
    raise_descriptors();
    /* The pool's threads wait for disks (write, fsync, rename), not for processors. */
    setenv("UV_THREADPOOL_SIZE", "16", 0);
    parts.loop = loop_new(&err);
    if (parts.loop == NULL) {
        log_error("the api could not start", log_err(&err));
        config_release(&parts.config);
        return EXIT_FAILURE;
    }
    return serve(&parts);
}
