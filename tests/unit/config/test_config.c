// SPDX-License-Identifier: Apache-2.0
#include "common/config/config.h"

#include "common/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char *nothing(const char *name)
{
    (void)name;
    return NULL;
}

/* sets variables of this process: a NULL-ended list of name and value */
static void set(const char *const *pairs)
{
    for (; pairs[0] != NULL; pairs += 2) {
        assert_int_equal(setenv(pairs[0], pairs[1], 1), 0);
    }
}

static int forget(void **state)
{
    (void)state;
    return clearenv();
}

struct printed {
    char *text;
    size_t bytes;
    FILE *file;
};

static void printed_open(struct printed *printed)
{
    *printed = (struct printed){0};
    printed->file = open_memstream(&printed->text, &printed->bytes);
    assert_non_null(printed->file);
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

static void defaults_are_valid(void **state)
{
    (void)state;
    struct config config = {0};
    assert_int_equal(config_load(&config, nothing, stderr), 0);
    assert_string_equal(config.listen, "127.0.0.1:8080");
    assert_int_equal(config.max_file_bytes, 5 * 1024 * 1024);
    assert_int_equal(config.min_side, 200);
    assert_true(config.public_reads);
    config_release(&config);
    assert_null(config.listen);
}

static const char *const some[] = {"PIXMILL_MIN_SIDE",
                                   "1",
                                   "PIXMILL_PUBLIC_READS",
                                   "false",
                                   "PIXMILL_STORAGE_DIR",
                                   "/srv/media",
                                   "PIXMILL_CODECS",
                                   "",
                                   NULL};

static void values_override_and_empty_means_default(void **state)
{
    (void)state;
    set(some);
    struct config config = {0};
    assert_int_equal(config_load(&config, getenv, stderr), 0);
    assert_int_equal(config.min_side, 1);
    assert_false(config.public_reads);
    assert_string_equal(config.storage_dir, "/srv/media");
    assert_int_equal(config.codecs, 0);
    config_release(&config);
}

static const char *const faulty[] = {"PIXMILL_MIN_SIDE",
                                     "6000",
                                     "PIXMILL_CODECS",
                                     "two",
                                     "PIXMILL_MAX_ATTEMPTS",
                                     "0",
                                     "PIXMILL_PUBLIC_READS",
                                     "yes",
                                     "PIXMILL_LOG_LEVEL",
                                     "loud",
                                     "PIXMILL_LISTEN",
                                     "8080",
                                     "PIXMILL_MAX_BODY_BYTES",
                                     "2048",
                                     "PIXMILL_METRICS_LISTEN",
                                     "nowhere",
                                     "PIXMILL_REDIS_PREFIX",
                                     "a}b",
                                     NULL};

static void every_fault_is_told_at_once(void **state)
{
    (void)state;
    set(faulty);
    struct config config = {.min_side = 77};
    struct printed faults;
    printed_open(&faults);
    assert_int_equal(config_load(&config, getenv, faults.file), -1);
    fclose(faults.file);
    assert_int_equal(lines_of(faults.text), 9);
    assert_non_null(strstr(faults.text, "PIXMILL_METRICS_LISTEN must be an address and a port, or empty\n"));
    assert_non_null(strstr(faults.text, "PIXMILL_REDIS_PREFIX must have no brace"));
    assert_non_null(strstr(faults.text, "PIXMILL_CODECS must be a whole number from 0 to 256\n"));
    assert_non_null(strstr(faults.text, "PIXMILL_MAX_ATTEMPTS must be a whole number from 1 to 100\n"));
    assert_non_null(strstr(faults.text, "PIXMILL_PUBLIC_READS must be true or false\n"));
    assert_non_null(strstr(faults.text, "PIXMILL_LOG_LEVEL must be"));
    assert_non_null(strstr(faults.text, "PIXMILL_LISTEN must be"));
    assert_non_null(strstr(faults.text, "PIXMILL_MIN_SIDE must not be greater than PIXMILL_MAX_SIDE\n"));
    assert_non_null(
        strstr(faults.text, "PIXMILL_MAX_FILE_BYTES must not be greater than PIXMILL_MAX_BODY_BYTES\n"));
    assert_int_equal(config.min_side, 77);
    assert_null(config.listen);
    free(faults.text);
}

static const char *const secret_urls[] = {"PIXMILL_DATABASE_URL",
                                          "postgresql://ann:se@cret@db:5432/pix?sslpassword=topsecret&x=1",
                                          "PIXMILL_REDIS_URL", "redis://:hushhush@cache:6379/1", NULL};

static const char *const secret_words[] = {
    "PIXMILL_DATABASE_URL", "host=db password = 'hush \\' hush' user=ann password=hush dbname=pix", NULL};

static char *print(const char *program)
{
    struct config config = {0};
    struct printed printed;
    assert_int_equal(config_load(&config, getenv, stderr), 0);
    printed_open(&printed);
    config_print(&config, program, printed.file);
    fclose(printed.file);
    config_release(&config);
    return printed.text;
}

static void passwords_are_not_printed(void **state)
{
    (void)state;
    set(secret_urls);
    char *text = print("api");
    assert_non_null(
        strstr(text, "PIXMILL_DATABASE_URL=postgresql://ann:***@db:5432/pix?sslpassword=***&x=1\n"));
    assert_non_null(strstr(text, "PIXMILL_REDIS_URL=redis://:***@cache:6379/1\n"));
    free(text);
    set(secret_words);
    text = print("api");
    assert_non_null(
        strstr(text, "PIXMILL_DATABASE_URL=host=db password = *** user=ann password=*** dbname=pix\n"));
    assert_null(strstr(text, "hush"));
    free(text);
}

static void a_program_prints_what_it_reads(void **state)
{
    (void)state;
    char *api = print("api");
    char *worker = print("worker");
    assert_non_null(strstr(api, "PIXMILL_LISTEN=127.0.0.1:8080\n"));
    assert_null(strstr(api, "PIXMILL_CODECS="));
    assert_null(strstr(worker, "PIXMILL_LISTEN="));
    assert_non_null(strstr(worker, "PIXMILL_CODECS=0\n"));
    assert_non_null(strstr(worker, "PIXMILL_SANDBOX=true\n"));
    free(api);
    free(worker);
}

static void the_table_has_every_row(void **state)
{
    (void)state;
    struct printed printed;
    printed_open(&printed);
    config_doc(printed.file);
    fclose(printed.file);
    size_t rows = 0;
#define SETTING_TEXT(field, name, preset, programs, help)                                                    \
    rows++;                                                                                                  \
    assert_non_null(strstr(printed.text, "| `PIXMILL_" #name "` | "));
#define SETTING_INT(field, name, preset, least, most, programs, help)                                        \
    SETTING_TEXT(field, name, preset, programs, help)
#define SETTING_BOOL(field, name, preset, programs, help) SETTING_TEXT(field, name, preset, programs, help)
#include "common/config/settings.def"
    assert_int_equal(lines_of(printed.text), rows + 2);
    assert_non_null(strstr(printed.text, "| `PIXMILL_CODECS` | 0 | 0 to 256 | worker |"));
    free(printed.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_are_valid, forget),
        cmocka_unit_test_setup(values_override_and_empty_means_default, forget),
        cmocka_unit_test_setup(every_fault_is_told_at_once, forget),
        cmocka_unit_test_setup(passwords_are_not_printed, forget),
        cmocka_unit_test_setup(a_program_prints_what_it_reads, forget),
        cmocka_unit_test_setup(the_table_has_every_row, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
