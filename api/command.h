// SPDX-License-Identifier: Apache-2.0
/*
 * What pixmill-api does besides serving: one option, one answer, and the end.
 */
#ifndef PIXMILL_API_COMMAND_H
#define PIXMILL_API_COMMAND_H

#include <stdbool.h>

/* Where argv asks for one of these, does it and returns true with the exit status; false: serve. */
bool command_run(int argc, char **argv, int *status);

#endif
