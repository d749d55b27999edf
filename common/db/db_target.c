// SPDX-License-Identifier: Apache-2.0
#include "common/db/db_target.h"

#include "common/base/alloc.h"

#include <assert.h>
#include <netdb.h>
#include <uv.h>

enum { MAX_OPTIONS = 64, MAX_ADDRESSES = 8, LIST_BYTES = MAX_ADDRESSES * 256 };

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword != NULL; options++) {
        if (strcmp(options->keyword, keyword) == 0) {
            return options->val != NULL && options->val[0] != '\0' ? options->val : NULL;
        }
    }
    return NULL;
}

static bool is_address(const char *host)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    return host[0] == '/' || host[0] == '@' || uv_ip4_addr(host, 0, &v4) == 0 ||
           uv_ip6_addr(host, 0, &v6) == 0;
}

int db_target_init(struct db_target *target, const char *url, struct err *err)
{
    *target = (struct db_target){0};
    char *text = NULL;
    target->options = PQconninfoParse(url, &text);
    if (target->options == NULL) {
        /* libpq's text may quote the URL, password and all */
        PQfreemem(text);
        return err_set(err, ERR_CONFIG, "the database URL can not be parsed");
    }
    /* what is not said may come from PGHOST and its like */
    PQconninfoOption *defaults = PQconndefaults();
    assert(defaults != NULL);
    const char *host = value_of(target->options, "host");
    if (host == NULL) {
        host = value_of(defaults, "host");
    }
    bool has_address =
        value_of(target->options, "hostaddr") != NULL || value_of(defaults, "hostaddr") != NULL;
    if (host != NULL && !has_address && !is_address(host)) {
        target->lookup_host = alloc_string(host);
    }
    PQconninfoFree(defaults);
    if (target->lookup_host != NULL && strchr(target->lookup_host, ',') != NULL) {
        db_target_release(target);
        return err_set(err, ERR_CONFIG, "the database URL names several hosts; one is supported");
    }
    return 0;
}

void db_target_release(struct db_target *target)
{
    PQconninfoFree(target->options);
    free(target->lookup_host);
    *target = (struct db_target){0};
}

/* "host,host" and "address,address": libpq tries one pair after the other. */
static void list_addresses(const char *host, const struct addrinfo *addresses, char hosts[LIST_BYTES],
                           char numbers[LIST_BYTES])
{
    size_t hosts_used = 0;
    size_t numbers_used = 0;
    size_t count = 0;
    for (const struct addrinfo *each = addresses; each != NULL && count < MAX_ADDRESSES;
         each = each->ai_next) {
        char number[NI_MAXHOST];
        if (getnameinfo(each->ai_addr, each->ai_addrlen, number, sizeof number, NULL, 0, NI_NUMERICHOST) !=
                0 ||
            strlen(host) + 2 > LIST_BYTES - hosts_used || strlen(number) + 2 > LIST_BYTES - numbers_used) {
            continue;
        }
        const char *comma = count++ > 0 ? "," : "";
        hosts_used += (size_t)snprintf(hosts + hosts_used, LIST_BYTES - hosts_used, "%s%s", comma, host);
        numbers_used +=
            (size_t)snprintf(numbers + numbers_used, LIST_BYTES - numbers_used, "%s%s", comma, number);
    }
}

/* libpq would write them to standard error */
static void drop_notice(void *owner, const PGresult *result)
{
    (void)owner;
    (void)result;
}

PGconn *db_target_connect(const struct db_target *target, const struct addrinfo *addresses)
{
    const char *keywords[MAX_OPTIONS + 4] = {NULL};
    const char *values[MAX_OPTIONS + 4] = {NULL};
    char hosts[LIST_BYTES] = "";
    char numbers[LIST_BYTES] = "";
    size_t count = 0;
    for (const PQconninfoOption *option = target->options; option->keyword != NULL && count < MAX_OPTIONS;
         option++) {
        if (option->val != NULL && (addresses == NULL || strcmp(option->keyword, "host") != 0)) {
            keywords[count] = option->keyword;
            values[count++] = option->val;
        }
    }
    if (addresses != NULL) {
        list_addresses(target->lookup_host, addresses, hosts, numbers);
        keywords[count] = "host";
        values[count++] = hosts;
        keywords[count] = "hostaddr";
        values[count++] = numbers;
    }
    keywords[count] = "fallback_application_name";
    values[count] = "pixmill";
    PGconn *pg = PQconnectStartParams(keywords, values, 0);
    if (pg != NULL) {
        PQsetNoticeReceiver(pg, drop_notice, NULL);
    }
    return pg;
}
