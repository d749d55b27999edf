// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/orientation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Reads an exact copy, so that a sanitizer sees a read past the end. */
static int read_copy(const unsigned char *data, size_t bytes)
{
    unsigned char *copy = malloc(bytes > 0 ? bytes : 1);
    assert_non_null(copy);
    memcpy(copy, data, bytes);
    int orientation = orientation_read(copy, bytes);
    free(copy);
    return orientation;
}

static const char little[] = "II*\0\x08\0\0\0"
                             "\2\0"
                             "\x0f\1\2\0\4\0\0\0abc\0"
                             "\x12\1\3\0\1\0\0\0\6\0\0\0"
                             "\0\0\0\0";
static const char big[] = "MM\0*\0\0\0\x0a??"
                          "\0\1"
                          "\1\x12\0\3\0\0\0\1\0\x08\0\0";
enum { LITTLE_VALUE = 30, LITTLE_TYPE = 24, LITTLE_COUNT = 26 };

static void both_byte_orders(void **state)
{
    (void)state;
    assert_int_equal(read_copy((const unsigned char *)little, sizeof little - 1), 6);
    assert_int_equal(read_copy((const unsigned char *)big, sizeof big - 1), 8);
}

static void nonsense_is_upright(void **state)
{
    (void)state;
    unsigned char exif[sizeof little - 1];
    memcpy(exif, little, sizeof exif);
    for (unsigned value = 0; value < 256; value++) {
        exif[LITTLE_VALUE] = (unsigned char)value;
        assert_int_equal(read_copy(exif, sizeof exif), value >= 1 && value <= 8 ? (int)value : 1);
    }
    exif[LITTLE_VALUE] = 6;
    exif[LITTLE_VALUE + 1] = 1; /* 262 */
    assert_int_equal(read_copy(exif, sizeof exif), 1);
    exif[LITTLE_VALUE + 1] = 0;
    exif[LITTLE_TYPE] = 4; /* LONG */
    assert_int_equal(read_copy(exif, sizeof exif), 6);
    exif[LITTLE_TYPE] = 2; /* text */
    assert_int_equal(read_copy(exif, sizeof exif), 1);
    exif[LITTLE_TYPE] = 3;
    exif[LITTLE_COUNT] = 2;
    assert_int_equal(read_copy(exif, sizeof exif), 1);
}

static void broken_exif_is_upright(void **state)
{
    (void)state;
    unsigned char exif[sizeof little - 1];
    memcpy(exif, little, sizeof exif);
    for (size_t cut = 0; cut < LITTLE_VALUE + 4; cut++) {
        assert_int_equal(read_copy(exif, cut), 1);
    }
    exif[0] = 'X';
    assert_int_equal(read_copy(exif, sizeof exif), 1);
    exif[0] = 'I';
    memset(exif + 4, 0xff, 4); /* a folder beyond the end */
    assert_int_equal(read_copy(exif, sizeof exif), 1);
    memcpy(exif + 4, "\x08\0\0\0\xff\xff", 6); /* more entries than there are */
    exif[10] = 0;
    exif[22] = 0;
    assert_int_equal(read_copy(exif, sizeof exif), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_byte_orders),
        cmocka_unit_test(nonsense_is_upright),
        cmocka_unit_test(broken_exif_is_upright),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
