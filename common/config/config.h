// SPDX-License-Identifier: Apache-2.0
/*
 * The settings of a process: read once from the environment, then const. Nobody else calls getenv.
 *
 * settings.def has the rows; struct config has a member for each (`const char *`, `int64_t` or `bool`).
 * Strings belong to the config. Loading reports every fault at once.
 */
#ifndef PIXMILL_CONFIG_CONFIG_H
#define PIXMILL_CONFIG_CONFIG_H

#include "common/base/err.h"

#include <stdint.h>
#include <stdio.h>

struct config {
#define SETTING_TEXT(field, name, preset, programs, help)             const char *field;
#define SETTING_INT(field, name, preset, least, most, programs, help) int64_t field;
#define SETTING_BOOL(field, name, preset, programs, help)             bool field;
#include "common/config/settings.def"
#undef SETTING_TEXT
#undef SETTING_INT
#undef SETTING_BOOL
};

/* Gives the value of a variable, or NULL; getenv has this shape. The value is copied. */
typedef char *(*config_lookup_fn)(const char *name);

/*
 * Fills config from look-ups of PIXMILL_<NAME> and the defaults; an empty value counts as not set. Rows of
 * the other program are read and checked too. Returns 0, or -1 with a line a fault on `faults`; config is
 * then untouched. The caller ends it with config_release.
 */
int config_load(struct config *config, config_lookup_fn lookup, FILE *faults) MUST_CHECK;

/* Frees what config_load allocated. */
void config_release(struct config *config);

/* Writes NAME=value lines of the settings that `program` ("api" or "worker") reads; the password of a URL is
 * written as ***. */
void config_print(const struct config *config, const char *program, FILE *out);

/* Writes the table of all settings as Markdown: name, default, range, which program, help. */
void config_doc(FILE *out);

#endif
