// SPDX-License-Identifier: Apache-2.0
#include "worker/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void seconds_follow_from_jobs_time_and_codecs(void **state)
{
    (void)state;
    static const struct {
        struct load_view view;
        int64_t seconds;
    } rows[] = {
        {{.ready = 0, .codecs = 2, .codec_us = 500000}, 0},
        {{.ready = 1, .codecs = 2, .codec_us = 500000}, 1},
        {{.ready = 100, .codecs = 2, .codec_us = 500000}, 25},
        {{.ready = 100, .codecs = 2, .codec_us = 500000, .leased = 3, .in_hand = 3}, 25},
        /* others hold three times as many as we do */
        {{.ready = 100, .codecs = 2, .codec_us = 500000, .leased = 12, .in_hand = 3}, 7},
        /* the counts are of different moments */
        {{.ready = 100, .codecs = 2, .codec_us = 500000, .leased = 2, .in_hand = 3}, 25},
        {{.ready = 100, .codecs = 2, .codec_us = 500000, .leased = 12, .in_hand = 0}, 25},
        {{.ready = INT64_MAX, .codecs = 1, .codec_us = INT64_MAX}, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(load_seconds_of(&rows[i].view), rows[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(seconds_follow_from_jobs_time_and_codecs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
