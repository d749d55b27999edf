// SPDX-License-Identifier: Apache-2.0
/*
 * What every handler works with. main.c fills it, owns all of it, and keeps it until the last request was answered.
 */
#ifndef PIXMILL_HANDLER_SERVICE_H
#define PIXMILL_HANDLER_SERVICE_H

#include "api/handler/storage_trouble.h"
#include "common/image/limits.h"

#include <stdbool.h>
#include <stddef.h>

struct admission;
struct api_metrics;
struct auth;
struct call;
struct config;
struct db;
struct http_metrics;
struct leftovers;
struct loop;
struct queue;
struct queue_view;
struct readiness;
struct redis;
struct storage;

struct service {
    const struct config *config;
    struct image_limits limits;
    struct loop *loop;
    struct db *db;
    struct redis *redis; /* what the queue talks over; only asked whether it stands */
    struct queue *queue;
    struct storage *storage;
    struct auth *auth;
    struct admission *admission;
    struct leftovers *leftovers;
    struct readiness *readiness;
    struct queue_view *queue_view;
    struct api_metrics *metrics;
    struct http_metrics *http_metrics; /* of metrics */
    const char *openapi;               /* the text of openapi.yaml */
    size_t openapi_bytes;
    struct storage_trouble storage_trouble;
    bool is_stopping; /* waits end early */
};

/* Handlers, named as their files; the table in routes.c says what each serves. */
void product_list(struct call *call);
void product_create(struct call *call);
void product_get(struct call *call);
void image_list(struct call *call);
void image_get(struct call *call);
void image_get_any(struct call *call);
void image_reprocess(struct call *call);
void upload_image(struct call *call);
void queue_get(struct call *call);
void queue_pause(struct call *call);
void queue_resume(struct call *call);
void dead_list(struct call *call);
void dead_drop(struct call *call);
void dead_drop_one(struct call *call);
void dead_retry(struct call *call);
void dead_retry_one(struct call *call);
void media_get(struct call *call);
void health_alive(struct call *call);
void health_ready(struct call *call);
void health_openapi(struct call *call);
void metrics_get(struct call *call);

#endif
