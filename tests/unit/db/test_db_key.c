// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/db/home.h"

#include "common/db/db_key.h"

static enum err_code find(struct home *home, const char *key, struct db_key *out)
{
    struct await await = {0};
    char public_part[17];
    snprintf(public_part, sizeof public_part, "%.16s", key + 3);
    db_key_find(home->db, public_part, out, await_done, &await);
    return answer_of(home, &await);
}

static void a_key_is_found_by_its_public_part(void **state)
{
    struct home *home = *state;
    struct err err = {0};
    struct db_key found = {0};
    unsigned char digest[DIGEST_BYTES];
    char key[DB_KEY_TEXT_BYTES];
    const char *url = postgres_server_url(home->server);
    assert_int_equal(db_key_create(url, "shop", SCOPE_UPLOAD | SCOPE_ADMIN, key, &err), 0);
    assert_int_equal(strlen(key), DB_KEY_TEXT_BYTES - 1);
    assert_memory_equal(key, "pm_", 3);
    assert_int_equal(key[19], '_');
    assert_int_equal(strspn(key + 20, "0123456789abcdef"), 64);
    assert_int_equal(find(home, key, &found), ERR_NONE);
    assert_true(found.id > 0);
    assert_int_equal(found.scopes, SCOPE_UPLOAD | SCOPE_ADMIN);
    digest_of(key, strlen(key), digest);
    assert_true(digest_equal(found.sha256, digest));
    /* what was made is nowhere */
    assert_int_equal(
        sql(home,
            arena_format(home->arena, "SELECT count(*) FROM api_key WHERE api_key::text LIKE '%%%.20s%%'",
                         key + 20)),
        0);

    char other[DB_KEY_TEXT_BYTES];
    assert_int_equal(db_key_create(url, "shop", SCOPE_OPERATE, other, &err), 0);
    assert_string_not_equal(key, other);
    sql(home, arena_format(home->arena, "UPDATE api_key SET revoked_at = now() WHERE public_part = '%.16s'",
                           key + 3));
    assert_int_equal(find(home, key, &found), ERR_UNAUTHORIZED);
    assert_int_equal(find(home, other, &found), ERR_NONE);
    assert_int_equal(find(home, "pm_0000000000000000_", &found), ERR_UNAUTHORIZED);
}

static void bad_names_and_servers_are_told(void **state)
{
    struct home *home = *state;
    struct err err = {0};
    char key[DB_KEY_TEXT_BYTES] = "untouched";
    const char *url = postgres_server_url(home->server);
    char name[202];
    memset(name, 'x', 201);
    name[201] = '\0';
    assert_int_equal(db_key_create(url, "", SCOPE_UPLOAD, key, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(db_key_create(url, name, SCOPE_UPLOAD, key, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(db_key_create("host=/no/such/folder", "n", SCOPE_UPLOAD, key, &err), -1);
    assert_int_equal(err.code, ERR_DATABASE);
    assert_int_equal(db_key_create("postgresql://[", "n", SCOPE_UPLOAD, key, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_string_equal(key, "untouched");
}

static void scopes_are_read(void **state)
{
    static const char *const bad[] = {"",   ",",           "upload,",      "uploads",
                                      "up", "upload,root", "upload admin", "Upload"};
    struct err err = {0};
    unsigned scopes = 99;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(db_key_scopes_of_text(bad[i], &scopes, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        assert_int_equal(scopes, 99);
    }
    assert_int_equal(db_key_scopes_of_text("operate", &scopes, &err), 0);
    assert_int_equal(scopes, SCOPE_OPERATE);
    assert_int_equal(db_key_scopes_of_text("upload,operate,admin,upload", &scopes, &err), 0);
    assert_int_equal(scopes, SCOPE_UPLOAD | SCOPE_OPERATE | SCOPE_ADMIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(a_key_is_found_by_its_public_part),
        HOME_TEST(bad_names_and_servers_are_told),
        cmocka_unit_test(scopes_are_read),
    };
    return cmocka_run_group_tests(tests, home_group_start, home_group_stop);
}
