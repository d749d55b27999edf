// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.h"

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/config/config.h"
#include "common/db/db.h"
#include "common/net/loop.h"
#include "common/net/redis.h"
#include "common/queue/queue.h"
#include "common/storage/storage.h"
#include "worker/breaker.h"
#include "worker/codec_pool.h"
#include "worker/committer.h"
#include "worker/dispatcher.h"
#include "worker/health.h"
#include "worker/heartbeat.h"
#include "worker/janitor.h"
#include "worker/lease_keeper.h"
#include "worker/load.h"
#include "worker/memory_need.h"
#include "worker/metrics.h"
#include "worker/orphans.h"
#include "worker/parts.h"
#include "worker/profile_file.h"
#include "worker/reconciler.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

/* READY comes after the libraries are warm; a machine under load takes its time */
enum { CODEC_READY_MS = 30000, HOST_BYTES = 256 };

static const char codec_program[] = "pixmill-codec";

struct worker {
    const struct config *config; /* borrowed */
    struct parts parts;          /* what it points at is owned here, but for the loop */
    struct redis *verbs;
    struct redis *waits;
    struct dispatcher *dispatcher;
    struct heartbeat *heartbeat;
    struct reconciler *reconciler;
    struct janitor *janitor;
    struct orphans *orphans;
    struct health *health;
    char codec_path[PATH_MAX];
    char holder[QUEUE_HOLDER_BYTES];
    bool is_ready; /* a codec was */
    bool is_stopping;
    size_t closing; /* the step of worker_stop that is next */
};

unsigned worker_codecs(const struct config *config)
{
    return config->codecs > 0 ? (unsigned)config->codecs : uv_available_parallelism();
}

/* A codec or a breaker changed. */
static void on_changed(void *owner)
{
    struct worker *worker = owner;
    if (!worker->is_ready && codec_pool_live(worker->parts.codecs) > 0) {
        worker->is_ready = true;
        log_info("ready");
    }
    if (worker->dispatcher != NULL && !worker->is_stopping) {
        dispatcher_wake(worker->dispatcher);
    }
}

static void check_database(void *subject, done_fn done, void *owner)
{
    db_check(subject, done, owner);
}

static void check_storage(void *subject, done_fn done, void *owner)
{
    storage_check(subject, done, owner);
}

static enum wire_fail_on fail_on_of_word(const char *word)
{
    if (strcmp(word, "error") == 0) {
        return WIRE_FAIL_ON_ERROR;
    }
    return strcmp(word, "warning") == 0 ? WIRE_FAIL_ON_WARNING : WIRE_FAIL_ON_TRUNCATED;
}

static void set_rules(struct worker *worker)
{
    const struct config *config = worker->config;
    worker->parts.limits = (struct image_limits){.max_file_bytes = config->max_file_bytes,
                                                 .min_side_px = config->min_side,
                                                 .max_side_px = config->max_side,
                                                 .max_pixels = config->max_megapixels * 1000000,
                                                 .max_frames = config->max_frames,
                                                 .max_scans = config->max_scans};
    worker->parts.fail_on = fail_on_of_word(config->fail_on);
    worker->parts.rules = (struct job_retry_rules){.max_attempts = (int)config->max_attempts,
                                                   .max_crashes = (int)config->max_crashes,
                                                   .backoff_ms = (uint64_t)config->backoff_ms};
    worker->parts.lease_ms = (uint64_t)config->lease_ms;
    worker->parts.storage_ms = (uint64_t)config->job_timeout_ms;
}

/* Names this worker among all that there are, were, and will be. */
static void set_holder(struct worker *worker)
{
    char host[HOST_BYTES];
    size_t host_bytes = sizeof host;
    if (uv_os_gethostname(host, &host_bytes) != 0) {
        snprintf(host, sizeof host, "host");
    }
    snprintf(worker->holder, sizeof worker->holder, "%.32s:%d:%08" PRIx64, host, (int)uv_os_getpid(),
             random_below(UINT64_C(1) << 32));
    worker->parts.holder = worker->holder;
}

/* The codec's program: as configured, or beside this one. */
static int find_codec(struct worker *worker, struct err *err)
{
    const char *wanted = worker->config->codec_path;
    if (wanted[0] != '\0') {
        if (snprintf(worker->codec_path, sizeof worker->codec_path, "%s", wanted) >= PATH_MAX) {
            return err_set(err, ERR_CONFIG, "PIXMILL_CODEC_PATH is too long");
        }
        return 0;
    }
    ssize_t bytes = readlink("/proc/self/exe", worker->codec_path, sizeof worker->codec_path - 1);
    if (bytes <= 0) {
        return err_set(err, ERR_CONFIG, "the folder of this program is not known; set PIXMILL_CODEC_PATH");
    }
    worker->codec_path[bytes] = '\0';
    char *slash = strrchr(worker->codec_path, '/');
    size_t left = slash != NULL ? sizeof worker->codec_path - (size_t)(slash + 1 - worker->codec_path) : 0;
    if (left < sizeof codec_program) {
        return err_set(err, ERR_CONFIG, "the path of this program is too long");
    }
    memcpy(slash + 1, codec_program, sizeof codec_program);
    return 0;
}

static int open_database(struct worker *worker, struct err *err)
{
    const struct config *config = worker->config;
    struct db_options options = {.url = config->database_url,
                                 .connections = (size_t)config->database_pool,
                                 .timeout_ms = (uint64_t)config->database_timeout_ms};
    worker->parts.db = db_open(worker->parts.loop, &options, err);
    return worker->parts.db != NULL ? 0 : -1;
}

static int open_queue(struct worker *worker, struct err *err)
{
    const struct config *config = worker->config;
    struct loop *loop = worker->parts.loop;
    struct redis_options options = {.url = config->redis_url,
                                    .connect_timeout_ms = (uint64_t)config->redis_connect_timeout_ms,
                                    .command_timeout_ms = (uint64_t)config->redis_timeout_ms};
    worker->verbs = redis_open(loop, &options, err);
    worker->waits = worker->verbs != NULL ? redis_open(loop, &options, err) : NULL;
    if (worker->waits == NULL) {
        return -1;
    }
    worker->parts.queue = queue_new(loop, worker->verbs, worker->waits, config->redis_prefix);
    return 0;
}

static int open_storage(struct worker *worker, struct err *err)
{
    worker->parts.storage = storage_disk_open(worker->parts.loop, worker->config->storage_dir, err);
    return worker->parts.storage != NULL ? 0 : -1;
}

static void open_breakers(struct worker *worker)
{
    struct breaker_options database = {.name = "database",
                                       .check = check_database,
                                       .subject = worker->parts.db,
                                       .changed = on_changed,
                                       .owner = worker,
                                       .trips = worker->parts.metrics->database_trips};
    struct breaker_options storage = {.name = "storage",
                                      .check = check_storage,
                                      .subject = worker->parts.storage,
                                      .changed = on_changed,
                                      .owner = worker,
                                      .trips = worker->parts.metrics->storage_trips};
    worker->parts.database_breaker = breaker_open(worker->parts.loop, &database);
    worker->parts.storage_breaker = breaker_open(worker->parts.loop, &storage);
}

static void open_codecs(struct worker *worker)
{
    const struct config *config = worker->config;
    struct codec_pool_options options = {
        .child = {.path = worker->codec_path,
                  .memory_bytes = config->codec_memory_bytes,
                  .is_caged = config->sandbox,
                  .log_level = config->log_level,
                  .failpoint = config->failpoint[0] != '\0' ? config->failpoint : NULL,
                  .ready_ms = CODEC_READY_MS,
                  .job_timeout_ms = (uint64_t)config->job_timeout_ms},
        .codecs = worker_codecs(config),
        .codec_images = config->codec_images,
        .ceiling_bytes = config->codec_ceiling_bytes,
        .memory_budget =
            memory_budget(config->memory_budget, uv_get_constrained_memory(), uv_get_total_memory()),
        .replacements = worker->parts.metrics->codecs_replaced};
    memcpy(options.deaths, worker->parts.metrics->deaths, sizeof options.deaths);
    worker->parts.codecs = codec_pool_open(worker->parts.loop, &options, on_changed, worker);
}

static void open_orphans(struct worker *worker)
{
    const struct config *config = worker->config;
    /* an upload's row comes at most one deadline after its file */
    int64_t least_ms = 2 * config->database_timeout_ms;
    int64_t grace_ms = config->orphan_grace_ms > least_ms ? config->orphan_grace_ms : least_ms;
    struct orphans_options options = {.round_ms = (uint64_t)config->janitor_ms,
                                      .grace_ms = (uint64_t)grace_ms};
    worker->orphans = orphans_open(&worker->parts, &options);
}

static int open_parts(struct worker *worker, struct err *err)
{
    set_rules(worker);
    worker->parts.metrics = worker_metrics_new(worker->parts.loop);
    set_holder(worker);
    if (profile_file_read(worker->config->profile, &worker->parts.profile, err) != 0 ||
        find_codec(worker, err) != 0 || open_database(worker, err) != 0 || open_queue(worker, err) != 0 ||
        open_storage(worker, err) != 0) {
        return -1;
    }
    open_breakers(worker);
    worker->parts.leases = lease_keeper_open(worker->parts.loop, worker->parts.queue, worker->parts.lease_ms);
    worker->parts.committer = committer_open(worker->parts.loop, worker->parts.db, worker->parts.queue);
    open_codecs(worker);
    worker->parts.load = load_open(worker->parts.loop, worker->parts.queue, worker_codecs(worker->config));
    worker->dispatcher = dispatcher_open(&worker->parts);
    worker->heartbeat = heartbeat_open(&worker->parts, worker->dispatcher, worker_codecs(worker->config));
    worker->reconciler = reconciler_open(&worker->parts);
    worker->janitor = janitor_open(&worker->parts);
    open_orphans(worker);
    const char *listen = worker->config->health_listen;
    if (listen[0] != '\0') {
        worker->health = health_open(&worker->parts, worker->dispatcher, listen, err);
        return worker->health != NULL ? 0 : -1;
    }
    return 0;
}

struct worker *worker_open(struct loop *loop, const struct config *config, struct err *err)
{
    struct worker *worker = alloc_zeroed(1, sizeof *worker);
    worker->config = config;
    worker->parts.loop = loop;
    if (open_parts(worker, err) == 0) {
        log_info("started", log_int("codecs", (int64_t)worker_codecs(config)),
                 log_text("codec", worker->codec_path), log_text("profile", worker->parts.profile.identity),
                 log_text("storage", config->storage_dir));
    }
    return worker;
}

static void close_next(void *owner);

/* Each step of the way down closes one part and calls close_next, now or later; parts that were not opened are passed over. */
#define CLOSE(part, close)                                                                                   \
    if (worker->part != NULL) {                                                                              \
        close(worker->part, close_next, worker);                                                             \
    } else {                                                                                                 \
        close_next(worker);                                                                                  \
    }

static void stop_dispatcher(struct worker *worker)
{
    if (worker->dispatcher == NULL) {
        close_next(worker);
        return;
    }
    dispatcher_stop(worker->dispatcher, (uint64_t)worker->config->grace_ms, close_next, worker);
}

static void close_health(struct worker *worker)
{
    CLOSE(health, health_close)
}

static void close_janitor(struct worker *worker)
{
    CLOSE(janitor, janitor_close)
}

static void close_heartbeat(struct worker *worker)
{
    CLOSE(heartbeat, heartbeat_close)
}

static void close_orphans(struct worker *worker)
{
    CLOSE(orphans, orphans_close)
}

static void close_reconciler(struct worker *worker)
{
    CLOSE(reconciler, reconciler_close)
}

static void close_codecs(struct worker *worker)
{
    CLOSE(parts.codecs, codec_pool_close)
}

static void close_load(struct worker *worker)
{
    CLOSE(parts.load, load_close)
}

static void close_leases(struct worker *worker)
{
    CLOSE(parts.leases, lease_keeper_close)
}

static void close_committer(struct worker *worker)
{
    CLOSE(parts.committer, committer_close)
}

static void close_storage_breaker(struct worker *worker)
{
    CLOSE(parts.storage_breaker, breaker_close)
}

static void close_database_breaker(struct worker *worker)
{
    CLOSE(parts.database_breaker, breaker_close)
}

static void close_simple_parts(struct worker *worker)
{
    if (worker->dispatcher != NULL) {
        dispatcher_free(worker->dispatcher);
    }
    if (worker->parts.storage != NULL) {
        storage_close(worker->parts.storage);
    }
    if (worker->parts.queue != NULL) {
        queue_free(worker->parts.queue);
    }
    close_next(worker);
}

static void close_verbs(struct worker *worker)
{
    CLOSE(verbs, redis_close)
}

static void close_database(struct worker *worker)
{
    CLOSE(parts.db, db_close)
}

static void end(struct worker *worker)
{
    worker_metrics_stop(worker->parts.metrics);
    loop_unwatch_signals(worker->parts.loop);
    log_info("stopped");
}

static void (*const closing[])(struct worker *worker) = {
    stop_dispatcher,    close_health,     close_heartbeat,       close_orphans,
    close_janitor,      close_reconciler, close_codecs,          close_load,
    close_leases,       close_committer,  close_storage_breaker, close_database_breaker,
    close_simple_parts, close_verbs,      close_database,        end};

static void close_next(void *owner)
{
    struct worker *worker = owner;
    closing[worker->closing++](worker);
}

static void on_waits_closed(void *owner)
{
    (void)owner;
}

void worker_stop(struct worker *worker)
{
    assert(!worker->is_stopping);
    worker->is_stopping = true;
    log_info("stopping", log_int("jobs", worker->dispatcher != NULL
                                             ? (int64_t)dispatcher_status(worker->dispatcher).in_hand
                                             : 0));
    if (worker->heartbeat != NULL) {
        heartbeat_stopping(worker->heartbeat);
    }
    close_next(worker);
    /* nobody waits for a job any more; this ends the wait that is pending */
    if (worker->waits != NULL) {
        redis_close(worker->waits, on_waits_closed, worker);
    }
}

void worker_free(struct worker *worker)
{
    worker_metrics_free(worker->parts.metrics);
    free(worker);
}
