// SPDX-License-Identifier: Apache-2.0
#include "worker/profile_file.h"

#include "common/image/profile_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

static void write_file(char path[32], const char *text, size_t bytes)
{
    snprintf(path, 32, "/tmp/pixmill-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, bytes), bytes);
    close(fd);
}

static void no_path_is_the_built_in_profile(void **state)
{
    (void)state;
    struct profile profile;
    struct err err;
    assert_int_equal(profile_file_read("", &profile, &err), 0);
    assert_string_equal(profile.identity, "default-1");
    assert_int_equal(profile.count, 3);
}

static void a_file_is_read(void **state)
{
    (void)state;
    static const char text[] = "{\"name\": \"p\", \"variants\": [{\"name\": \"v\", \"format\": \"png\"}]}";
    char path[32];
    struct profile profile;
    struct err err;
    write_file(path, text, strlen(text));
    assert_int_equal(profile_file_read(path, &profile, &err), 0);
    assert_string_equal(profile.name, "p");
    unlink(path);
}

static void faults_name_the_setting_and_the_path(void **state)
{
    (void)state;
    char path[32];
    struct profile profile;
    struct err err = {.code = ERR_NONE};
    assert_int_equal(profile_file_read("/nowhere/profile.json", &profile, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.sentence, "PIXMILL_PROFILE: /nowhere/profile.json"));
    assert_int_equal(profile_file_read("/tmp", &profile, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    write_file(path, "{\"name\": 5}", 11);
    assert_int_equal(profile_file_read(path, &profile, &err), -1);
    assert_non_null(strstr(err.sentence, path));
    assert_non_null(strstr(err.sentence, "name: not a string"));
    unlink(path);
}

static void a_file_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char path[32];
    struct profile profile;
    struct err err;
    char *text = malloc(PROFILE_READ_MOST_BYTES + 100);
    assert_non_null(text);
    memset(text, ' ', PROFILE_READ_MOST_BYTES + 100);
    write_file(path, text, PROFILE_READ_MOST_BYTES + 100);
    assert_int_equal(profile_file_read(path, &profile, &err), -1);
    assert_non_null(strstr(err.sentence, "more than"));
    unlink(path);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_path_is_the_built_in_profile),
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(faults_name_the_setting_and_the_path),
        cmocka_unit_test(a_file_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
