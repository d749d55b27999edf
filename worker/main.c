// SPDX-License-Identifier: Apache-2.0
/*
 * pixmill-worker: takes jobs, has their images processed by codec processes, stores what comes out.
 */
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/config/config.h"
#include "common/net/loop.h"
#include "worker/health_probe.h"
#include "worker/profile_file.h"
#include "worker/worker.h"

#include <getopt.h>
#include <sys/resource.h>
#include <uv.h>

enum { PROBE_MS = 3000, MOST_FILES = 65536, MOST_THREADS = 64 };

static const char program[] = "pixmill-worker";

static const char usage[] =
    "usage: pixmill-worker [OPTION]\n"
    "Processes the images that pixmill-api has taken in. Settings come from PIXMILL_* variables.\n"
    "  --check-config  say what is wrong with the settings, and end\n"
    "  --print-config  print the settings, and end\n"
    "  --check-health  ask the worker at PIXMILL_HEALTH_LISTEN whether it is well, and end\n"
    "  --version       print the version, and end\n"
    "  --help          print this, and end\n";

/* Codecs, connections and stored files each take descriptors; the hard limit is ours to use. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < MOST_FILES ? limit.rlim_max : MOST_FILES;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            log_debug("the limit of open files could not be raised");
        }
    }
}

/* A codec's variants are written and synced at once; libuv reads this when its pool is first used. */
static void size_thread_pool(const struct config *config)
{
    char text[16];
    unsigned threads = 4 + 2 * worker_codecs(config);
    snprintf(text, sizeof text, "%u", threads < MOST_THREADS ? threads : MOST_THREADS);
    setenv("UV_THREADPOOL_SIZE", text, 0);
}

static void on_stop(void *owner)
{
    worker_stop(owner);
}

static int run(const struct config *config)
{
    struct err err = {.code = ERR_NONE};
    int status = 0;
    raise_file_limit();
    size_thread_pool(config);
    struct loop *loop = loop_new(&err);
    if (loop == NULL) {
        log_error("no event loop", log_err(&err));
        return 1;
    }
    struct worker *worker = worker_open(loop, config, &err);
    if (err.code == ERR_NONE && loop_watch_signals(loop, on_stop, worker, &err) == 0) {
        loop_run(loop);
    } else {
        log_error("can not start", log_err(&err));
        status = 1;
        worker_stop(worker);
        loop_run(loop);
    }
    worker_free(worker);
    loop_free(loop);
    return status;
}

static int check_health(const struct config *config)
{
    struct err err;
    if (health_probe(config->health_listen, PROBE_MS, &err) != 0) {
        fprintf(stderr, "%s\n", err.sentence);
        return 1;
    }
    return 0;
}

/* The rows are checked by now; what they name is not. */
static int check_config(const struct config *config)
{
    struct profile profile;
    struct err err;
    if (profile_file_read(config->profile, &profile, &err) != 0) {
        fprintf(stderr, "%s\n", err.sentence);
        return 2;
    }
    return 0;
}

static int start(const struct config *config, int option)
{
    enum log_level level = LOG_INFO;
    struct err err;
    switch (option) {
    case 'c':
        return check_config(config);
    case 'p':
        config_print(config, "worker", stdout);
        return 0;
    case 'e':
        return check_health(config);
    default:
        (void)log_level_of_word(config->log_level, &level);
        log_start(program, level);
        if (failpoint_arm(config->failpoint, &err) != 0) {
            log_error("can not start", log_err(&err));
            return 2;
        }
        return run(config);
    }
}

/* Reads the options. Returns 0, a letter for what is to be done instead of working, or '?'. */
static int read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"check-config", no_argument, NULL, 'c'}, {"print-config", no_argument, NULL, 'p'},
        {"check-health", no_argument, NULL, 'e'}, {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int wanted = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        wanted = option;
        if (option == '?') {
            return '?';
        }
    }
    return optind < argc ? '?' : wanted;
}

int main(int argc, char **argv)
{
    loop_hold_signals();
    argv = uv_setup_args(argc, argv);
    int option = read_options(argc, argv);
    if (option == '?') {
        fputs(usage, stderr);
        return 2;
    }
    if (option == 'h' || option == 'v') {
        fputs(option == 'h' ? usage : "pixmill-worker " PIXMILL_VERSION "\n", stdout);
        return 0;
    }
    struct config config;
    if (config_load(&config, getenv, stderr) != 0) {
        return 2;
    }
    uv_set_process_title(program);
    int status = start(&config, option);
    config_release(&config);
    return status;
}
