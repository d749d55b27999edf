// SPDX-License-Identifier: Apache-2.0
/*
 * Loading: every row is read into a copy, every fault is told, and the caller's struct is written only where
 * there was none.
 */
#include "common/config/config.h"
#include "common/config/config_row.h"

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/base/text.h"

struct loading {
    struct config config;
    FILE *faults;
    int fault_count;
};

static const struct config_row rows[] = {
#define SETTING_TEXT(field, name, preset, programs, help)                                                    \
    {CONFIG_TEXT, "PIXMILL_" #name, offsetof(struct config, field), preset, 0, 0, 0, programs, help},
#define SETTING_INT(field, name, preset, least, most, programs, help)                                        \
    {CONFIG_INT, "PIXMILL_" #name, offsetof(struct config, field), NULL, preset, least, most, programs, help},
#define SETTING_BOOL(field, name, preset, programs, help)                                                    \
    {CONFIG_BOOL, "PIXMILL_" #name, offsetof(struct config, field), NULL, preset, 0, 1, programs, help},
#include "common/config/settings.def"
#undef SETTING_TEXT
#undef SETTING_INT
#undef SETTING_BOOL
};

const struct config_row *config_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

static void *member(struct config *config, const struct config_row *row)
{
    return (char *)config + row->offset;
}

static void fault(struct loading *loading, const char *variable, const char *what)
{
    loading->fault_count++;
    fprintf(loading->faults, "%s %s\n", variable, what);
}

static void load_int(struct loading *loading, const struct config_row *row, const char *value)
{
    int64_t number = row->preset_number;
    if (value != NULL && text_int64(value, row->least, row->most, &number) != 0) {
        char what[128];
        snprintf(what, sizeof what, "must be a whole number from %lld to %lld", (long long)row->least,
                 (long long)row->most);
        fault(loading, row->variable, what);
    }
    memcpy(member(&loading->config, row), &number, sizeof number);
}

static void load_bool(struct loading *loading, const struct config_row *row, const char *value)
{
    bool is_true = row->preset_number != 0;
    if (value != NULL) {
        is_true = strcmp(value, "true") == 0;
        if (!is_true && strcmp(value, "false") != 0) {
            fault(loading, row->variable, "must be true or false");
        }
    }
    memcpy(member(&loading->config, row), &is_true, sizeof is_true);
}

static void load_text(struct loading *loading, const struct config_row *row, const char *value)
{
    const char *text = alloc_string(value != NULL ? value : row->preset_text);
    memcpy(member(&loading->config, row), &text, sizeof text);
}

/* "host:port", with the port a number; "[::1]:8080" for IPv6 */
static bool is_host_and_port(const char *text)
{
    const char *colon = strrchr(text, ':');
    int64_t port = 0;
    return colon != NULL && colon != text && text_int64(colon + 1, 0, 65535, &port) == 0;
}

static void check_texts(struct loading *loading)
{
    const struct config *config = &loading->config;
    enum log_level level = LOG_INFO;
    if (!is_host_and_port(config->listen)) {
        fault(loading, "PIXMILL_LISTEN", "must be an address and a port, such as 127.0.0.1:8080");
    }
    if (config->metrics_listen[0] != '\0' && !is_host_and_port(config->metrics_listen)) {
        fault(loading, "PIXMILL_METRICS_LISTEN", "must be an address and a port, or empty");
    }
    if (strpbrk(config->redis_prefix, "{}") != NULL) {
        fault(loading, "PIXMILL_REDIS_PREFIX", "must have no brace: they enclose the hash tag");
    }
    if (config->health_listen[0] != '\0' && !is_host_and_port(config->health_listen)) {
        fault(loading, "PIXMILL_HEALTH_LISTEN", "must be an address and a port, or empty");
    }
    if (config->public_url[0] != '\0' && !text_starts_with(config->public_url, "http://") &&
        !text_starts_with(config->public_url, "https://")) {
        fault(loading, "PIXMILL_PUBLIC_URL", "must start with http:// or https://, or be empty");
    }
    if (!text_starts_with(config->redis_url, "redis://") && !text_starts_with(config->redis_url, "unix:")) {
        fault(loading, "PIXMILL_REDIS_URL", "must start with redis:// or unix:");
    }
    if (strcmp(config->fail_on, "error") != 0 && strcmp(config->fail_on, "truncated") != 0 &&
        strcmp(config->fail_on, "warning") != 0) {
        fault(loading, "PIXMILL_FAIL_ON", "must be error, truncated or warning");
    }
    if (!log_level_of_word(config->log_level, &level)) {
        fault(loading, "PIXMILL_LOG_LEVEL", "must be debug, info, warn or error");
    }
}

static void check_numbers(struct loading *loading)
{
    const struct config *config = &loading->config;
    if (config->min_side > config->max_side) {
        fault(loading, "PIXMILL_MIN_SIDE", "must not be greater than PIXMILL_MAX_SIDE");
    }
    if (config->min_side * config->min_side > config->max_megapixels * 1000000) {
        fault(loading, "PIXMILL_MAX_MEGAPIXELS", "leaves no image of PIXMILL_MIN_SIDE");
    }
    if (config->max_file_bytes > config->max_body_bytes) {
        fault(loading, "PIXMILL_MAX_FILE_BYTES", "must not be greater than PIXMILL_MAX_BODY_BYTES");
    }
}

int config_load(struct config *config, config_lookup_fn lookup, FILE *faults)
{
    static void (*const load[])(struct loading *, const struct config_row *, const char *) = {
        [CONFIG_TEXT] = load_text, [CONFIG_INT] = load_int, [CONFIG_BOOL] = load_bool};
    struct loading loading = {.faults = faults};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *value = lookup(rows[i].variable);
        load[rows[i].type](&loading, &rows[i], value != NULL && value[0] != '\0' ? value : NULL);
    }
    check_texts(&loading);
    check_numbers(&loading);
    if (loading.fault_count > 0) {
        config_release(&loading.config);
        return -1;
    }
    *config = loading.config;
    return 0;
}

void config_release(struct config *config)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].type == CONFIG_TEXT) {
            char *text = NULL;
            memcpy(&text, member(config, &rows[i]), sizeof text);
            free(text);
        }
    }
    *config = (struct config){0};
}
