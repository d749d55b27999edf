// SPDX-License-Identifier: Apache-2.0
#include "api/handler/storage_trouble.h"

#include "common/base/clock.h"
#include "common/base/log.h"

enum { SECOND_US = 1000000 };

void storage_trouble_see(struct storage_trouble *trouble, const struct err *err)
{
    if (!trouble->is_on) {
        *trouble = (struct storage_trouble){.is_on = true, .since_us = clock_monotonic_us()};
        log_error("the storage takes no uploads; they are refused until it does", log_err(err));
    }
    trouble->refused++;
}

void storage_trouble_end(struct storage_trouble *trouble)
{
    if (trouble->is_on) {
        trouble->is_on = false;
        log_info("the storage takes uploads again", log_int("refused", trouble->refused),
                 log_int("seconds", (int64_t)(clock_monotonic_us() - trouble->since_us) / SECOND_US));
    }
}
