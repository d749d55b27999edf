// SPDX-License-Identifier: Apache-2.0
#include "api/command.h"

#include "common/base/text.h"
#include "common/config/config.h"
#include "common/db/db_key.h"
#include "common/db/db_migrate.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, HEALTH_SECONDS = 5 };

static const char help[] =
    "pixmill-api takes product photos over HTTP and queues them for processing.\n"
    "\n"
    "  pixmill-api                 serve, until SIGTERM or SIGINT\n"
    "  --migrate                   bring the database's tables up to date\n"
    "  --create-key NAME --scope a,b\n"
    "                              make an API key and print it; scopes: upload, operate, admin\n"
    "  --check-health              ask the server on PIXMILL_LISTEN whether it is alive\n"
    "  --check-config              read the settings and say whether they are valid\n"
    "  --print-config              print the settings that are in effect\n"
    "  --config-doc                print the table of all settings as Markdown\n"
    "  --version, --help\n"
    "\n"
    "Settings are environment variables named PIXMILL_...; see --config-doc.\n";

/* An option, its words after it, and what it does. */
struct command {
    const char *option;
    int words; /* in argv, after the option's own */
    bool needs_config;
    int (*run)(const struct config *config, char **words);
};

static int fail(const char *what, const struct err *err)
{
    fprintf(stderr, "pixmill-api: %s: %s\n", what, err->sentence);
    return EXIT_FAILURE;
}

static int run_migrate(const struct config *config, char **words)
{
    (void)words;
    struct err err;
    int applied = 0;
    if (db_migrate(config->database_url, &applied, &err)) {
        return fail("the database could not be migrated", &err);
    }
    fprintf(stderr, "pixmill-api: %d migrations applied\n", applied);
    return EXIT_SUCCESS;
}

static int run_create_key(const struct config *config, char **words)
{
    struct err err;
    unsigned scopes = 0;
    char key[DB_KEY_TEXT_BYTES];
    if (strcmp(words[1], "--scope") != 0) {
        fputs("pixmill-api: --create-key NAME needs --scope\n", stderr);
        return EXIT_USAGE;
    }
    if (db_key_scopes_of_text(words[2], &scopes, &err)) {
        return fail("--scope", &err);
    }
    if (db_key_create(config->database_url, words[0], scopes, key, &err)) {
        return fail("the key could not be made", &err);
    }
    puts(key);
    return EXIT_SUCCESS;
}

/* Splits PIXMILL_LISTEN; an address that means "all" is asked on the loopback. */
static int split_address(const char *address, char host[64], char port[8])
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || text_copy(port, 8, colon + 1)) {
        return -1;
    }
    bool is_bracketed = *address == '[' && colon > address + 1 && colon[-1] == ']';
    const char *start = address + is_bracketed;
    size_t bytes = (size_t)(colon - start) - is_bracketed;
    if (bytes >= 64) {
        return -1;
    }
    memcpy(host, start, bytes);
    host[bytes] = '\0';
    if (bytes == 0 || strcmp(host, "0.0.0.0") == 0) {
        memcpy(host, "127.0.0.1", sizeof("127.0.0.1"));
    } else if (strcmp(host, "::") == 0) {
        memcpy(host, "::1", sizeof("::1"));
    }
    return 0;
}

/* Connects within HEALTH_SECONDS; the descriptor, or -1. */
static int dial(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found)) {
        return -1;
    }
    struct timeval limit = {.tv_sec = HEALTH_SECONDS};
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
                    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ||
                    connect(fd, found->ai_addr, found->ai_addrlen))) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static int run_check_health(const struct config *config, char **words)
{
    (void)words;
    static const char question[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static const char good[] = "HTTP/1.1 200 ";
    char host[64];
    char port[8];
    char told[sizeof(good)] = "";
    if (split_address(config->listen, host, port)) {
        return EXIT_FAILURE;
    }
    int fd = dial(host, port);
    if (fd < 0) {
        return EXIT_FAILURE;
    }
    bool was_sent = send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(question) - 1;
    bool has_come = was_sent && recv(fd, told, sizeof(good) - 1, MSG_WAITALL) == (ssize_t)sizeof(good) - 1;
    close(fd);
    return has_come && strcmp(told, good) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_check_config(const struct config *config, char **words)
{
    (void)config;
    (void)words;
    fputs("pixmill-api: the settings are valid\n", stderr);
    return EXIT_SUCCESS;
}

static int run_print_config(const struct config *config, char **words)
{
    (void)words;
    config_print(config, "api", stdout);
    return EXIT_SUCCESS;
}

static int run_config_doc(const struct config *config, char **words)
{
    (void)config;
    (void)words;
    config_doc(stdout);
    return EXIT_SUCCESS;
}

static int run_version(const struct config *config, char **words)
{
    (void)config;
    (void)words;
    puts("pixmill-api " PIXMILL_VERSION);
    return EXIT_SUCCESS;
}

static int run_help(const struct config *config, char **words)
{
    (void)config;
    (void)words;
    fputs(help, stdout);
    return EXIT_SUCCESS;
}

static const struct command commands[] = {
    {"--migrate", 0, true, run_migrate},           {"--create-key", 3, true, run_create_key},
    {"--check-health", 0, true, run_check_health}, {"--check-config", 0, true, run_check_config},
    {"--print-config", 0, true, run_print_config}, {"--config-doc", 0, false, run_config_doc},
    {"--version", 0, false, run_version},          {"--help", 0, false, run_help},
};

static int run(const struct command *command, char **words)
{
    struct config config;
    if (!command->needs_config) {
        return command->run(NULL, words);
    }
    if (config_load(&config, getenv, stderr)) {
        return EXIT_USAGE;
    }
    int status = command->run(&config, words);
    config_release(&config);
    return status;
}

bool command_run(int argc, char **argv, int *status)
{
    if (argc < 2) {
        return false;
    }
    *status = EXIT_USAGE;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].option) == 0 && argc == commands[i].words + 2) {
            *status = run(&commands[i], argv + 2);
            if (fflush(stdout) != 0) {
                *status = EXIT_FAILURE;
            }
            return true;
        }
    }
    fprintf(stderr, "pixmill-api: that is not understood\n\n%s", help);
    return true;
}
