// SPDX-License-Identifier: Apache-2.0
/*
 * The rows of settings.def as data, for loading, printing and the documentation. Inside config only.
 */
#ifndef PIXMILL_CONFIG_CONFIG_ROW_H
#define PIXMILL_CONFIG_CONFIG_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type { CONFIG_TEXT, CONFIG_INT, CONFIG_BOOL };

struct config_row {
    enum config_type type;
    const char *variable;    /* with its PIXMILL_ */
    size_t offset;           /* of the member in struct config */
    const char *preset_text; /* of a text */
    int64_t preset_number;   /* of a whole number, and 0 or 1 of a bool */
    int64_t least;
    int64_t most;
    const char *programs;
    const char *help;
};

/* All rows; *count is how many. Static memory. */
const struct config_row *config_rows(size_t *count);

#endif
